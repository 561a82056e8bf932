//! What this process has committed lately, told to whoever keeps records in memory, so that it need
//! not be read.
//!
//! Nothing of another process is here, so it is the whole truth only between two commits of ours
//! that no other connection has committed in between; `PRAGMA data_version` tells the writer.

use std::collections::VecDeque;

use crate::follow::Step;

/// Steps that are kept at most; who is further behind reads.
const MAX_STEPS: usize = 16_384;

#[derive(Default)]
pub(super) struct Told {
    /// How many commits there were.
    number: u64,
    /// The last ones; the last of them has `number`.
    batches: VecDeque<Batch>,
    /// In all batches.
    steps: usize,
}

struct Batch {
    /// Nobody else had committed since the commit before.
    follows: bool,
    /// By tenant.
    steps: Vec<(i64, Step)>,
}

impl Told {
    /// A commit; returns its number.
    pub(super) fn push(&mut self, follows: bool, steps: Vec<(i64, Step)>) -> u64 {
        self.number += 1;
        self.steps += steps.len();
        self.batches.push_back(Batch { follows, steps });
        while self.steps > MAX_STEPS || self.batches.len() > MAX_STEPS {
            let Some(oldest) = self.batches.pop_front() else { break };
            self.steps -= oldest.steps.len();
        }
        self.number
    }

    /// The commits up to now, as [`crate::Db::told`] gives them.
    pub(super) fn since(&self, tenant: i64, after: u64) -> Option<(u64, Vec<Step>)> {
        let count = usize::try_from(self.number.checked_sub(after)?).ok()?;
        let batches = self.batches.range(self.batches.len().checked_sub(count)?..);
        let mut steps = Vec::new();
        for batch in batches {
            if !batch.follows {
                return None;
            }
            let own = batch.steps.iter().filter(|(whose, _)| *whose == tenant);
            steps.extend(own.map(|(_, step)| step.clone()));
        }
        Some((self.number, steps))
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_STEPS, Step, Told};

    fn steps(tenant: i64, seqs: std::ops::Range<i64>) -> Vec<(i64, Step)> {
        let step = |seq| Step {
            seq,
            entity: "Client".into(),
            record_id: seq,
            client_id: seq,
            is_new: false,
        };
        seqs.map(|seq| (tenant, step(seq))).collect()
    }

    fn seqs(told: &Told, tenant: i64, after: u64) -> Option<(u64, Vec<i64>)> {
        let (number, steps) = told.since(tenant, after)?;
        Some((number, steps.iter().map(|step| step.seq).collect()))
    }

    #[test]
    fn what_came_after_a_commit_is_told_to_its_tenant() {
        let mut told = Told::default();
        assert_eq!(seqs(&told, 1, 0), Some((0, vec![])));
        assert_eq!(told.push(true, steps(1, 1..3)), 1);
        assert_eq!(told.push(true, [steps(2, 1..2), steps(1, 3..4)].concat()), 2);
        assert_eq!(seqs(&told, 1, 0), Some((2, vec![1, 2, 3])));
        assert_eq!(seqs(&told, 1, 1), Some((2, vec![3])));
        assert_eq!(seqs(&told, 2, 0), Some((2, vec![1])));
        assert_eq!(seqs(&told, 1, 2), Some((2, vec![])));
        assert_eq!(seqs(&told, 1, 3), None);
    }

    #[test]
    fn nothing_is_told_across_a_commit_of_somebody_else() {
        let mut told = Told::default();
        told.push(true, steps(1, 1..2));
        told.push(false, steps(1, 3..4));
        told.push(true, steps(1, 4..5));
        assert_eq!(seqs(&told, 1, 0), None);
        assert_eq!(seqs(&told, 1, 1), None);
        assert_eq!(seqs(&told, 1, 2), Some((3, vec![4])));
    }

    #[test]
    fn who_is_far_behind_is_told_nothing() {
        let mut told = Told::default();
        let many = i64::try_from(MAX_STEPS).unwrap();
        told.push(true, steps(1, 0..many));
        assert_eq!(seqs(&told, 1, 0).unwrap().1.len(), MAX_STEPS);
        told.push(true, steps(1, many..many + 1));
        assert_eq!(seqs(&told, 1, 0), None);
        assert_eq!(seqs(&told, 1, 1), Some((2, vec![many])));
        told.push(true, steps(1, 0..many + 1));
        assert_eq!(seqs(&told, 1, 2), None);
        assert_eq!(seqs(&told, 1, 3), Some((3, vec![])));
    }
}
