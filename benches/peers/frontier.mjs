// The frontier of a subject: the settings that no other setting of it beats in both recall and speed.

/** Sorted by recall; speed falls along it. */
export function frontier(results) {
  const sorted = [...results].sort((a, b) => b.recall - a.recall || b.qps - a.qps);
  const front = [];
  for (const result of sorted) if (result.qps > (front.at(-1)?.qps ?? 0)) front.push(result);
  return front.reverse();
}

/**
 * Queries per second at a recall, between two neighbours on the frontier (log of speed, linear in recall).
 * Below the frontier's least recall it is that of its first setting; above its greatest there is none.
 */
export function qpsAt(results, recall) {
  const front = frontier(results);
  const after = front.findIndex((result) => result.recall >= recall);
  if (after === -1) return undefined;
  const [high, low] = [front[after], front[after - 1]];
  if (!low) return high.qps;
  const share = (recall - low.recall) / (high.recall - low.recall);
  return Math.exp((1 - share) * Math.log(low.qps) + share * Math.log(high.qps));
}
