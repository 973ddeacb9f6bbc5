use burn::tensor::{Device, Distribution, Tensor};
use percept_conv::*;
#[test]
fn same() {
    let d = Device::flex();
    for (i, o, s) in [(3, 64, 61), (64, 64, 40), (64, 128, 33), (128, 256, 17)] {
        let r = |shape: [usize; 4]| Tensor::<4>::random(shape, Distribution::Uniform(-1.0, 1.0), &d);
        let (x, w) = (r([2, s, s, i]), r([o, i, 3, 3]));
        let b = Tensor::<1>::random([o], Distribution::Uniform(-1.0, 1.0), &d);
        let c = Conv::same(3).with_activation(Activation::Relu);
        let a = conv2d(x.clone(), w.clone(), Some(b.clone()), None, c).into_data();
        let f = FrozenConv::new(w, Some(b), c).forward(x).into_data();
        println!("{} {:?}", a.as_bytes() == f.as_bytes(), [i, o]);
    }
}
