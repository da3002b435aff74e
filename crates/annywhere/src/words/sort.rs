//! Sorting in little code: the library's sort takes 6 KB of WebAssembly for every type and order, and nothing here sorts
//! anything long while somebody waits.

/// Sorts in place, in n log n steps (Williams' heap sort).
#[inline(never)]
pub(crate) fn sort(numbers: &mut [u64], is_less: &dyn Fn(u64, u64) -> bool) {
    for start in (0..numbers.len() / 2).rev() {
        sift_down(numbers, start, is_less);
    }
    for end in (1..numbers.len()).rev() {
        numbers.swap(0, end);
        sift_down(&mut numbers[..end], 0, is_less);
    }
}

#[inline(never)]
fn sift_down(heap: &mut [u64], mut at: usize, is_less: &dyn Fn(u64, u64) -> bool) {
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
            sort(&mut numbers, &|a, b| a < b);
            assert_eq!(numbers, expected);
        }
    }
}
