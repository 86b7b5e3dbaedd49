//! Visits every reachable state once, the nearest ones first.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::{Action, Broken, Sizes, State};

/// The result of a search.
#[derive(Debug, Clone)]
pub struct Found {
    /// Number of reached states.
    pub states: usize,
    /// The shortest history that breaks an invariant, and the invariant.
    pub counterexample: Option<(Vec<Action>, Broken)>,
}

/// Searches all possible histories within these limits, up to the first broken invariant.
///
/// States are compared by hashes of 64 bits: the probability of missing one of ten million is less
/// than one in 100,000.
#[must_use]
pub fn search(sizes: &Sizes) -> Found {
    let first = State::first(sizes);
    // The action and the state from which each state was reached first.
    let mut reached: HashMap<u64, Option<(u64, Action)>> = HashMap::new();
    let mut waiting = VecDeque::new();
    reached.insert(hash(&first), None);
    waiting.push_back(first);
    while let Some(state) = waiting.pop_front() {
        let here = hash(&state);
        let mut broken = state.broken(sizes);
        let mut is_last = true;
        state.successors(sizes, |action, next| {
            is_last = false;
            reached.entry(hash(&next)).or_insert_with(|| {
                waiting.push_back(next);
                Some((here, action))
            });
        });
        if is_last && !state.is_settled(sizes) {
            broken = broken.or(Some(Broken::Stuck));
        }
        if let Some(broken) = broken {
            return Found {
                states: reached.len(),
                counterexample: Some((history(&reached, here), broken)),
            };
        }
    }
    Found {
        states: reached.len(),
        counterexample: None,
    }
}

fn hash(state: &State) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}

/// Returns the history up to a state.
fn history(reached: &HashMap<u64, Option<(u64, Action)>>, mut at: u64) -> Vec<Action> {
    let mut actions = Vec::new();
    while let Some(Some((before, action))) = reached.get(&at) {
        actions.push(*action);
        at = *before;
    }
    actions.reverse();
    actions
}
