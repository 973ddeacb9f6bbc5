//! bf16: the upper half of an `f32`.

/// The nearest bf16, in the middle the even one; what is not a number stays none.
#[inline(always)]
pub(super) fn bf16(value: f32) -> u16 {
    let bits = value.to_bits();
    let upper = bits >> 16;
    let rounded = bits.wrapping_add(0x7FFF + (upper & 1)) >> 16;
    // Rounding could carry through all of its fraction; the bit keeps it from becoming infinite.
    (if value.is_nan() { upper | 0x40 } else { rounded }) as u16
}

/// Two of them in the memory of one `f32`, the first in its lower half.
pub(super) fn pair(first: f32, second: f32) -> f32 {
    f32::from_bits(u32::from(bf16(first)) | u32::from(bf16(second)) << 16)
}

#[cfg(test)]
mod tests {
    use super::bf16;

    #[test]
    fn rounds_to_the_nearest_and_to_even_in_the_middle() {
        let value = |bits: u16| f32::from_bits(u32::from(bits) << 16);
        for bits in [0x0000u16, 0x3F80, 0x3F81, 0xC12E, 0xC12F, 0x7F7E] {
            let (below, above) = (value(bits), value(bits + 1));
            let middle = below + (above - below) / 2.0;
            assert_eq!(bf16(below), bits);
            assert_eq!(bf16(middle), bits + (bits & 1), "{middle}");
            assert_eq!(bf16(f32::from_bits(middle.to_bits() - 1)), bits);
            assert_eq!(bf16(f32::from_bits(middle.to_bits() + 1)), bits + 1);
        }
        assert_eq!(bf16(f32::INFINITY), 0x7F80);
        assert_eq!(bf16(f32::MAX), 0x7F80);
        assert!(value(bf16(f32::from_bits(0x7F80_0001))).is_nan());
        assert!(value(bf16(f32::from_bits(0xFFFF_FFFF))).is_nan());
    }
}
