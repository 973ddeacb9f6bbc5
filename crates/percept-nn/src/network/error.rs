//! What can be wrong with the settings of a network.

/// Why a network cannot be made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NetworkError {
    /// The architecture does not have that scale.
    #[error("{network} cannot enlarge {scale} times: {}", listed(scales))]
    Scale {
        /// Name of the network.
        network: &'static str,
        /// What was asked for.
        scale: usize,
        /// What there is.
        scales: &'static [usize],
    },
    /// A number that makes no network.
    #[error("network_g.{key} of {network}: {problem}")]
    Value {
        /// Name of the network.
        network: &'static str,
        /// The key.
        key: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

/// `its scales are 1, 2 and 4`.
fn listed(scales: &[usize]) -> String {
    match scales.split_last() {
        Some((last, [])) => format!("its only scale is {last}"),
        Some((last, others)) => {
            let others: Vec<_> = others.iter().map(ToString::to_string).collect();
            format!("its scales are {} and {last}", others.join(", "))
        }
        None => "it has no scales".to_string(),
    }
}
