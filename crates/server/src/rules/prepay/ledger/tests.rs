use super::*;

fn lot(id: i64, at: i64, quantity: i128, expires: Option<i64>) -> Lot {
    Lot { id, at, quantity, expires, reverses: 0 }
}

fn used(id: i64, at: i64, quantity: i128) -> Use {
    Use { id, at, quantity }
}

fn sums(ledger: &Ledger) -> [i128; 4] {
    let sum = |kind| ledger.sum(kind);
    [sum(Kind::Added), sum(Kind::Expired), sum(Kind::Used), ledger.balance()]
}

#[test]
fn the_lot_that_expires_first_is_used_first() {
    let lots = [lot(1, 0, 10, None), lot(2, 0, 10, Some(50)), lot(3, 5, 10, Some(30))];
    let ledger = Ledger::replay(&lots, &[used(1, 10, 14)], 20);
    let draws: Vec<(i64, i128)> =
        ledger.draws.iter().map(|draw| (draw.lot_id, draw.quantity)).collect();
    assert_eq!(draws, [(3, 10), (2, 4)]);
    assert_eq!(sums(&Ledger::replay(&lots, &[used(1, 10, 14)], 49)), [30, 0, 14, 16]);
    assert_eq!(sums(&Ledger::replay(&lots, &[used(1, 10, 14)], 50)), [30, 6, 14, 10]);
}

#[test]
fn an_expired_lot_is_not_used_and_a_later_one_not_yet() {
    let lots = [lot(1, 0, 10, Some(10)), lot(2, 20, 10, None)];
    assert_eq!(sums(&Ledger::replay(&lots, &[used(1, 10, 4)], 15)), [10, 10, 4, -4]);
    assert_eq!(sums(&Ledger::replay(&lots, &[used(1, 10, 4)], 20)), [20, 10, 4, 6]);
}

#[test]
fn what_is_overdrawn_is_paid_by_the_next_lot() {
    let lots = [lot(1, 0, 10, None), lot(2, 20, 10, Some(30))];
    let uses = [used(1, 10, 15)];
    assert_eq!(sums(&Ledger::replay(&lots, &uses, 10)), [10, 0, 15, -5]);
    assert_eq!(sums(&Ledger::replay(&lots, &uses, 30)), [20, 5, 15, 0]);
}

#[test]
fn a_correction_leaves_less_to_expire() {
    let lots = [lot(1, 0, 10, Some(30)), lot(2, 10, -4, None)];
    assert_eq!(sums(&Ledger::replay(&lots, &[], 30)), [6, 6, 0, 0]);
}

#[test]
fn a_reversal_takes_from_its_own_lot() {
    let back = Lot { reverses: 2, ..lot(3, 10, -10, None) };
    let lots = [lot(1, 0, 5, Some(20)), lot(2, 0, 10, Some(30)), back];
    assert_eq!(sums(&Ledger::replay(&lots, &[], 10)), [5, 0, 0, 5]);
    assert_eq!(sums(&Ledger::replay(&lots, &[], 30)), [5, 5, 0, 0]);
    let spent = [used(1, 5, 8)];
    assert_eq!(sums(&Ledger::replay(&lots, &spent, 10)), [5, 0, 8, -3]);
}

#[test]
fn a_lot_that_is_taken_back_after_it_expired_changes_no_balance() {
    let back = Lot { reverses: 1, ..lot(2, 30, -10, None) };
    let lots = [lot(1, 0, 10, Some(20)), back];
    assert_eq!(sums(&Ledger::replay(&lots, &[used(1, 5, 4)], 20)), [10, 6, 4, 0]);
    assert_eq!(sums(&Ledger::replay(&lots, &[used(1, 5, 4)], 30)), [0, 0, 4, -4]);
    assert_eq!(sums(&Ledger::replay(&lots, &[], 30)), [0, 0, 0, 0]);
}

/// A small generator of numbers: the same seed, the same sequence.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: i64) -> i64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).unwrap() % limit
    }
}

/// Lots, corrections, reversals (also of corrections and of reversals) and uses, at any time.
fn sequence(numbers: &mut Numbers) -> (Vec<Lot>, Vec<Use>) {
    let (mut lots, mut uses) = (Vec::<Lot>::new(), Vec::new());
    let mut reversed = Vec::new();
    for id in 1..=numbers.below(25) {
        let at = numbers.below(60);
        match numbers.below(10) {
            0..4 => {
                let expires = (numbers.below(3) > 0).then(|| at + numbers.below(40));
                lots.push(lot(id, at, 1 + i128::from(numbers.below(50)), expires));
            }
            4 => lots.push(lot(id, at, -1 - i128::from(numbers.below(30)), None)),
            5 | 6 if !lots.is_empty() => {
                let count = i64::try_from(lots.len()).unwrap();
                let target = lots[usize::try_from(numbers.below(count)).unwrap()].clone();
                if !reversed.contains(&target.id) {
                    reversed.push(target.id);
                    let at = at.max(target.at);
                    lots.push(Lot { reverses: target.id, ..lot(id, at, -target.quantity, None) });
                }
            }
            _ => uses.push(used(id, at, 1 + i128::from(numbers.below(40)))),
        }
    }
    (lots, uses)
}

/// No draw takes more than a lot has, takes from a lot that is not there, or passes over one that
/// expires earlier; a reversal may, for its own lot.
fn check_draws(lots: &[Lot], ledger: &Ledger) {
    let mut left: HashMap<i64, i128> =
        lots.iter().map(|lot| (lot.id, lot.quantity.max(0))).collect();
    let own = |draw: &Draw| {
        let target = lots.iter().find(|lot| lot.reverses == draw.lot_id);
        target.is_some_and(|reversal| reversal.at == draw.at)
    };
    for draw in &ledger.draws {
        let lot = lots.iter().find(|lot| lot.id == draw.lot_id).unwrap();
        assert!(draw.quantity > 0 && lot.at <= draw.at, "{draw:?} {lot:?}");
        assert!(
            lot.expires.is_none_or(|expires| draw.at < expires.max(lot.at + 1)),
            "{draw:?} {lot:?}"
        );
        *left.get_mut(&lot.id).unwrap() -= draw.quantity;
        assert!(left[&lot.id] >= 0, "{draw:?} {lot:?}");
        if own(draw) {
            continue;
        }
        let earlier = lots.iter().filter(|other| {
            let expires = other.expires.unwrap_or(i64::MAX);
            other.at < draw.at && expires > draw.at && expires < lot.expires.unwrap_or(i64::MAX)
        });
        for other in earlier {
            assert_eq!(left[&other.id], 0, "{draw:?} passed over {other:?}");
        }
    }
}

#[test]
fn the_ledger_sums_to_the_balance_at_any_moment() {
    for seed in 0..3_000 {
        let (lots, uses) = sequence(&mut Numbers(seed));
        let whole = Ledger::replay(&lots, &uses, i64::MAX - 1);
        for until in (0..=110).step_by(5) {
            let ledger = Ledger::replay(&lots, &uses, until);
            assert_eq!(ledger.balance(), ledger.remaining(), "seed {seed} at {until}");
            assert!(
                ledger.overdrawn >= 0 && ledger.open.values().all(|left| *left > 0),
                "seed {seed}"
            );
            assert!(ledger.overdrawn == 0 || ledger.open.is_empty(), "seed {seed} at {until}");
            let before = whole.entries.iter().take_while(|entry| entry.at <= until);
            assert!(
                ledger.entries.iter().eq(before),
                "seed {seed}: later events changed what was at {until}"
            );
            let bought: i128 =
                lots.iter().filter(|lot| lot.at <= until).map(|lot| lot.quantity).sum();
            let spent: i128 =
                uses.iter().filter(|used| used.at <= until).map(|used| used.quantity).sum();
            assert_eq!(
                (ledger.sum(Kind::Added), ledger.sum(Kind::Used)),
                (bought, spent),
                "seed {seed}"
            );
            assert!(ledger.sum(Kind::Expired) >= 0, "seed {seed} at {until}");
        }
        check_draws(&lots, &whole);
    }
}
