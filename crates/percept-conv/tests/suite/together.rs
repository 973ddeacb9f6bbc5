//! Processes with a part of the batch each, played by threads.

use std::sync::{Arc, Barrier, Mutex};

use burn::tensor::{Device, Distribution, Tensor, Tolerance};
use percept_conv::{AllReduce, all_mean, batch_norm_leaky};

const CHANNELS: usize = 5;

/// What each of `count` threads calls to add its numbers to those of the others.
fn team(count: usize) -> AllReduce {
    let (sums, barrier) = (Arc::new(Mutex::new(Vec::<f32>::new())), Arc::new(Barrier::new(count)));
    AllReduce::new(count, move |values| {
        {
            let mut sums = sums.lock().unwrap();
            sums.resize(values.len(), 0.0);
            sums.iter_mut().zip(&*values).for_each(|(sum, value)| *sum += value);
        }
        barrier.wait();
        values.copy_from_slice(&sums.lock().unwrap());
        if barrier.wait().is_leader() {
            sums.lock().unwrap().clear();
        }
        barrier.wait();
    })
}

/// The loss of a part, and its gradients to the part, to the weight and to the bias. It is made of two normalisations and of
/// what is less than the mean of all.
fn learned(x: &Tensor<4>, parameters: &[Tensor<1>; 2], all: Option<&AllReduce>) -> (f32, [Vec<f32>; 3]) {
    let device = Device::flex().autodiff();
    let x = Tensor::<4>::from_data(x.to_data(), &device).require_grad();
    let [weight, bias] =
        parameters.each_ref().map(|t| Tensor::<1>::from_data(t.to_data(), &device).require_grad());
    let norm = |x| batch_norm_leaky(x, weight.clone(), bias.clone(), 1e-5, 0.2, all);
    let y = norm(norm(x.clone()).powi_scalar(2));
    let loss = (y.clone() - all_mean(y.clone().exp().mean(), all).reshape([1, 1, 1, 1])).powi_scalar(3);
    let loss = loss.mean();
    let gradients = loss.backward();
    let flat = |data: burn::tensor::TensorData| data.try_into_vec::<f32>().unwrap();
    let gradients = [
        flat(x.grad(&gradients).unwrap().into_data()),
        flat(weight.grad(&gradients).unwrap().into_data()),
        flat(bias.grad(&gradients).unwrap().into_data()),
    ];
    (loss.into_scalar(), gradients)
}

fn close(a: &[f32], b: &[f32]) {
    let [a, b] = [a, b].map(|values| Tensor::<1>::from_floats(values, &Device::flex()).into_data());
    a.assert_approx_eq::<f32>(&b, Tolerance::rel_abs(1e-4, 1e-5));
}

#[test]
fn parts_of_a_batch_are_learned_from_as_the_whole() {
    let noise = |shape| Tensor::<4>::random(shape, Distribution::Uniform(-1.0, 1.0), &Device::flex());
    let parameters = [(); 2].map(|()| noise([1, 1, 1, CHANNELS]).reshape([CHANNELS]));
    for count in [2, 3] {
        let parts: Vec<Tensor<4>> = (0..count).map(|at| noise([2, 3, 4, CHANNELS]) + at as f32).collect();
        let (loss, whole) = learned(&Tensor::cat(parts.clone(), 0), &parameters, None);
        let all = team(count);
        let learned: Vec<_> = std::thread::scope(|scope| {
            let learn = |part| {
                let (all, parameters) = (&all, &parameters);
                scope.spawn(move || learned(part, parameters, Some(all)))
            };
            let threads: Vec<_> = parts.iter().map(learn).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        // Means over the parts are those of the whole; each part has the gradient of its own mean.
        let mean = |of: &dyn Fn(usize) -> Vec<f32>| {
            let sum = (0..count).map(of).reduce(|a, b| a.iter().zip(&b).map(|(a, b)| a + b).collect());
            sum.unwrap().iter().map(|sum| sum / count as f32).collect::<Vec<f32>>()
        };
        close(&mean(&|at| vec![learned[at].0]), &[loss]);
        for parameter in [1, 2] {
            close(&mean(&|at| learned[at].1[parameter].clone()), &whole[parameter]);
        }
        let to_x: Vec<f32> =
            learned.iter().flat_map(|(_, gradients)| &gradients[0]).map(|g| g / count as f32).collect();
        close(&to_x, &whole[0]);
        // And it is the others that make it so.
        let alone: Vec<f32> =
            parts.iter().flat_map(|part| self::learned(part, &parameters, None).1[0].clone()).collect();
        let off = to_x.iter().zip(&alone).map(|(a, b)| (a - b / count as f32).abs()).fold(0.0, f32::max);
        assert!(off > 1e-2, "parts alone are told apart: {off}");
    }
}
