//! What two threads can do at most: fused multiply-adds in registers, and reading memory. One JSON line with
//! operations and bytes a second, which `bench/ratios.py` relates its times to.

use std::hint::black_box;
use std::time::Instant;

/// Steps of the register loop, and bytes that are read.
const STEPS: usize = 20_000_000;
const BYTES: usize = 512 << 20;
const THREADS: usize = 2;

fn main() {
    let flops = best(|| (0..THREADS).map(|_| 0).collect(), |_: u8| multiply_add(STEPS));
    let memory = vec![1.0f32; BYTES / size_of::<f32>()];
    let share = memory.len() / THREADS;
    let bytes = best(
        || memory.chunks_exact(share).collect(),
        |part: &[f32]| {
            let mut sums = [0.0f32; 64];
            for values in part.chunks_exact(64) {
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
            black_box(sums);
            size_of_val(part) as f64
        },
    );
    println!(r#"{{"flops":{flops},"bytes":{bytes}}}"#);
}

/// The most that `work` gets done in a second of five tries, on as many threads as there are parts.
fn best<T: Send>(parts: impl Fn() -> Vec<T>, work: impl Fn(T) -> f64 + Sync) -> f64 {
    let once = || {
        let start = Instant::now();
        let done: f64 = std::thread::scope(|scope| {
            let threads: Vec<_> = parts().into_iter().map(|part| scope.spawn(|| work(part))).collect();
            threads.into_iter().filter_map(|thread| thread.join().ok()).sum()
        });
        done / start.elapsed().as_secs_f64()
    };
    (0..5).map(|_| once()).fold(0.0, f64::max)
}

/// Multiply-adds on as many vectors as hide their latency; returns the operations.
fn multiply_add(steps: usize) -> f64 {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: just detected.
        return unsafe { x86::avx512(steps) };
    }
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        // SAFETY: just detected.
        return unsafe { x86::avx2(steps) };
    }
    let mut sums = [black_box(1.0f32); 64];
    for _ in 0..steps {
        sums.iter_mut().for_each(|sum| *sum = *sum * 0.999 + 0.001);
    }
    black_box(sums);
    (steps * 2 * sums.len()) as f64
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{_mm256_fmadd_ps, _mm256_set1_ps, _mm512_fmadd_ps, _mm512_set1_ps};
    use std::hint::black_box;

    #[target_feature(enable = "avx512f")]
    pub fn avx512(steps: usize) -> f64 {
        let (factor, addend) = (_mm512_set1_ps(0.999), _mm512_set1_ps(0.001));
        let mut sums = [_mm512_set1_ps(black_box(1.0)); 16];
        for _ in 0..steps {
            for sum in &mut sums {
                *sum = _mm512_fmadd_ps(*sum, factor, addend);
            }
        }
        black_box(sums);
        (steps * 2 * 16 * sums.len()) as f64
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn avx2(steps: usize) -> f64 {
        let (factor, addend) = (_mm256_set1_ps(0.999), _mm256_set1_ps(0.001));
        let mut sums = [_mm256_set1_ps(black_box(1.0)); 12];
        for _ in 0..steps {
            for sum in &mut sums {
                *sum = _mm256_fmadd_ps(*sum, factor, addend);
            }
        }
        black_box(sums);
        (steps * 2 * 8 * sums.len()) as f64
    }
}
