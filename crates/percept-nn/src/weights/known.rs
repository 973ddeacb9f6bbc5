//! The weights that percept knows by name.

/// Weights that percept knows by name, and the files that hold them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownWeights {
    /// Name in configs and on the command line.
    pub name: &'static str,
    /// What they are.
    pub what: &'static str,
    /// Who made them, and where they come from.
    pub source: &'static str,
    /// Terms of use.
    pub licence: &'static str,
    /// Files that are accepted, percept's own first.
    pub files: &'static [KnownFile],
}

/// A file that is accepted as known weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownFile {
    /// Name of the file in a folder of weights.
    pub file: &'static str,
    /// Its sha256 in hexadecimal. PyTorch publishes the first eight digits only, in the file's name: where
    /// only those are given, only those are compared.
    pub sha256: &'static str,
    /// Whether percept ships it.
    pub bundled: bool,
}

const BSD: &str = "BSD-3-Clause (torchvision)";
const TORCHVISION: &str = "torchvision, trained on ImageNet-1k (IMAGENET1K_V1)";
const LPIPS: &str = "Zhang et al., CVPR 2018; PyPI lpips 0.1.4";

/// Every set of weights that percept knows.
pub const KNOWN: &[KnownWeights] = &[
    KnownWeights {
        name: "vgg16",
        what: "VGG16, convolutional trunk",
        source: TORCHVISION,
        licence: BSD,
        files: &[
            KnownFile {
                file: "vgg16.safetensors",
                sha256: "efe2934fdc19c5fb8ccde97e3b371be4a0781016ab172db63738fd6c84d807bb",
                bundled: true,
            },
            KnownFile { file: "vgg16-397923af.pth", sha256: "397923af", bundled: false },
        ],
    },
    KnownWeights {
        name: "vgg19",
        what: "VGG19, convolutional trunk",
        source: TORCHVISION,
        licence: BSD,
        files: &[KnownFile { file: "vgg19-dcbb9e9d.pth", sha256: "dcbb9e9d", bundled: false }],
    },
    KnownWeights {
        name: "alexnet",
        what: "AlexNet, convolutional trunk",
        source: TORCHVISION,
        licence: BSD,
        files: &[
            KnownFile {
                file: "alexnet.safetensors",
                sha256: "326e10e4a2c6fe073737d835e67a92dc0de23e01d718364d92e4f435c981d018",
                bundled: true,
            },
            KnownFile { file: "alexnet-owt-7be5be79.pth", sha256: "7be5be79", bundled: false },
        ],
    },
    KnownWeights {
        name: "lpips-vgg16",
        what: "LPIPS v0.1, linear heads for VGG16",
        source: LPIPS,
        licence: "BSD-2-Clause",
        files: &[KnownFile {
            file: "lpips-vgg16.safetensors",
            sha256: "dc7beb5a74f65bb908e0a9d556474697796ece6ffc27f7548d80b61ac5cb1e3d",
            bundled: true,
        }],
    },
    KnownWeights {
        name: "lpips-alexnet",
        what: "LPIPS v0.1, linear heads for AlexNet",
        source: LPIPS,
        licence: "BSD-2-Clause",
        files: &[KnownFile {
            file: "lpips-alexnet.safetensors",
            sha256: "e8f18ca842a049075269097704f3bada1d21c27c5f944ab272d24fd595f5e204",
            bundled: true,
        }],
    },
    KnownWeights {
        name: "dists",
        what: "DISTS, weights of texture and structure",
        source: "Ding et al., TPAMI 2020; PyPI dists-pytorch 0.1",
        licence: "MIT",
        files: &[KnownFile {
            file: "dists.safetensors",
            sha256: "e0c999c5f8f34cba242a7eb12b19f13372805b5485e757b26a372a9aeadb4f97",
            bundled: true,
        }],
    },
    KnownWeights {
        name: "selected-vgg16",
        what: "VGG16's channels to relu3_3, selected without labels",
        source: "percept select, from 38 photos of T91 and BSDS300",
        licence: "MIT OR Apache-2.0",
        files: &[KnownFile {
            file: "selected-vgg16.safetensors",
            sha256: "fc320777c6f57c005939787f055bcbf56e1a89967225795876ebf128d70d8115",
            bundled: true,
        }],
    },
    KnownWeights {
        name: "selected-alexnet",
        what: "AlexNet's channels, selected without labels",
        source: "percept select, from 38 photos of T91 and BSDS300",
        licence: "MIT OR Apache-2.0",
        files: &[KnownFile {
            file: "selected-alexnet.safetensors",
            sha256: "fc92d9e4a7f0832eb18470a7e3278e219bdcc9895be046e39fef67ed0a539b4b",
            bundled: true,
        }],
    },
];
