//! Backbones, the disentangled selection, losses, networks and weight files.

