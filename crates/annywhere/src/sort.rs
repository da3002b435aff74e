//! Sorting in little code: the library's sort takes 6 KB of WebAssembly for every type and order. What is long and hot is
//! sorted as [`Candidate`](crate::scratch::Candidate)s by the library, all else here.

/// Sorts in place, smallest first.
pub(crate) fn sort<T: Copy + PartialOrd>(members: &mut [T]) {
    sort_by(members, &|a, b| a < b);
}

/// Sorts in place, in n log n steps (Williams' heap sort). Equal members may change places.
#[inline(never)]
pub(crate) fn sort_by<T: Copy>(members: &mut [T], is_less: &dyn Fn(T, T) -> bool) {
    for start in (0..members.len() / 2).rev() {
        sift_down(members, start, is_less);
    }
    for end in (1..members.len()).rev() {
        members.swap(0, end);
        sift_down(&mut members[..end], 0, is_less);
    }
}

#[inline(never)]
fn sift_down<T: Copy>(heap: &mut [T], mut at: usize, is_less: &dyn Fn(T, T) -> bool) {
    loop {
        let mut largest = at;
        for child in [2 * at + 1, 2 * at + 2] {
            if child < heap.len() && is_less(heap[largest], heap[child]) {
                largest = child;
            }
        }
        if largest == at {
            return;
        }
        heap.swap(at, largest);
        at = largest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_count_are_sorted() {
        for count in 0..60 {
            let mut numbers: Vec<u64> = (0..count).map(|at| at * at * 7_919 % 31).collect();
            let mut expected = numbers.clone();
            expected.sort_unstable();
            sort(&mut numbers);
            assert_eq!(numbers, expected);
        }
    }
}
