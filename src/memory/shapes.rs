//! Graphs of several shapes and any size, for laws and measurements; properties name what they use and no more.

use crate::graph::{Graph, LogicalName, Node};
use crate::resources::Kind;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// How the resources of a graph hang together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Each uses the one before it, in short chains side by side.
    Chains,
    /// All use the first.
    Star,
    /// Rows of ten, each resource using two of the row before.
    Layers,
    /// Each uses up to three of those before it.
    Random,
}

impl Shape {
    /// Every shape.
    pub const ALL: [Self; 4] = [Self::Chains, Self::Star, Self::Layers, Self::Random];

    /// Makes a graph of so many resources; the same numbers make the same graph.
    pub fn graph(self, size: usize, seed: u64) -> Graph {
        let mut dice = Dice(seed.wrapping_mul(2).wrapping_add(1));
        let mut graph = Graph::new();
        let mut kinds: Vec<(Kind, &str)> = Vec::new();
        for i in 0..size {
            let used = self.used(i, &mut dice);
            let uses = used.iter().map(|u| reference(*u, kinds[*u]));
            let uses: Vec<Value> = uses.collect();
            let kind = KINDS[dice.below(KINDS.len())];
            kinds.push(kind);
            let name = name(i, kind.0);
            graph.insert(Node {
                name: LogicalName::from(name.as_str()),
                kind: kind.0.as_str(),
                physical: format!("{name}-dev"),
                properties: json!({ "name": format!("{name}-dev"), "uses": uses }),
                after: BTreeSet::new(),
            });
        }
        graph
    }

    /// Which of those before it the resource `i` uses.
    fn used(self, i: usize, dice: &mut Dice) -> BTreeSet<usize> {
        match self {
            _ if i == 0 => BTreeSet::new(),
            Self::Chains if i.is_multiple_of(CHAIN) => BTreeSet::new(),
            Self::Chains => BTreeSet::from([i - 1]),
            Self::Star => BTreeSet::from([0]),
            Self::Layers if i < ROW => BTreeSet::new(),
            Self::Layers => {
                let row = i / ROW * ROW - ROW;
                (0..2).map(|_| row + dice.below(ROW)).collect()
            }
            Self::Random => (0..dice.below(4)).map(|_| dice.below(i)).collect(),
        }
    }
}

const CHAIN: usize = 8;
const ROW: usize = 10;

/// Kinds that are told apart by name alone, each with an output that others use.
const KINDS: &[(Kind, &str)] = &[
    (Kind::Role, "roleArn"),
    (Kind::Table, "streamArn"),
    (Kind::Queue, "queueArn"),
    (Kind::Topic, "topicArn"),
    (Kind::LogGroup, "logGroupArn"),
    (Kind::Function, "aliasArn"),
    (Kind::StateMachine, "stateMachineArn"),
    (Kind::Secret, "secretArn"),
    (Kind::Key, "keyArn"),
];

fn name(i: usize, kind: Kind) -> String {
    format!("{kind}-{i}")
}

fn reference(i: usize, (kind, output): (Kind, &str)) -> Value {
    json!({ "$output": format!("{}.{output}", name(i, kind)) })
}

/// Numbers that look random and are the same for the same seed (a linear congruential generator with Knuth's factors).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        let (factor, step) = (6_364_136_223_846_793_005, 1_442_695_040_888_963_407);
        self.0 = self.0.wrapping_mul(factor).wrapping_add(step);
        (self.0 >> 33) as usize % end
    }
}
