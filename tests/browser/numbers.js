// All numbers that the page's mathematics gives for a setting; what is not finite travels as a string, and what has no
// meaning there, as spacings under the cosine, is left out.
const numeral = (key, value) => (["NaN", "Infinity", "-Infinity"].includes(value) ? Number(value) : value);
const spelled = (key, value) => (typeof value === "number" && !Number.isFinite(value) ? String(value) : value);

const s = JSON.parse(arguments[0], numeral);
const it = VQ.lookup.lookUp(s.vectors, s.codebook, s.comparison);
const [n, underNorm] = [s.codebook.length, it.p !== null];
const losses = Object.entries(VQ.losses).filter(([, loss]) => underNorm || !loss.needsNorm);
const finite = s.vectors.filter(VQ.vectors.isFinite);
const each = (estimator) => s.vectors.map((vector, i) => estimator(vector, s.codebook[it.indices[i]], s.upstream[i]));

const average = VQ.updates.movingAverage(it, s.averageCounts, s.decay, s.epsilon);
const gathered = VQ.mostDistant.gathered({ usage: s.usage, candidates: s.stored }, it, s.number);
const distant = VQ.mostDistant.replaced(gathered, s.codebook);
const shares = VQ.deadCodes.shares(s.shares, it.counts, s.shareDecay);
const dead = VQ.deadCodes.dead(shares, s.fraction);
const rescued = (keys) => {
  const candidates = VQ.candidates.largest(VQ.candidates.found(it, keys), s.number);
  return VQ.deadCodes.replaced(s.codebook, candidates, dead);
};
const drawn = rescued(s.keys);

return JSON.stringify(
  {
    values: it.values,
    indices: it.indices,
    counts: it.counts,
    perplexity: VQ.lookup.perplexity(it.counts),
    usage: VQ.lookup.usage(it.counts),
    pairs: underNorm ? VQ.spacing.pairs(s.codebook, it.p) : undefined,
    closest: underNorm ? VQ.spacing.closest(s.codebook, it.p) : undefined,
    losses: Object.fromEntries(losses.map(([name, loss]) => [name, loss.value(it, s.weights[name])])),
    gradients: Object.fromEntries(losses.map(([name, loss]) => [name, loss.gradient(it, s.weights[name])])),
    identity: each(VQ.estimators.identity),
    rotation: each(VQ.estimators.rotation),
    descendedCodebook: VQ.updates.descended(s.codebook, VQ.updates.gradientOf(s.weights, it, "codebook"), s.rate),
    descendedVectors: VQ.updates.descended(s.vectors, VQ.updates.gradientOf(s.weights, it, "vectors"), s.rate),
    averageCounts: average.averageCounts,
    averageCodebook: average.codebook,
    mostDistant: underNorm ? distant : undefined,
    mostDistantUsage: underNorm ? gathered.usage : undefined,
    mostDistantCounts: underNorm
      ? VQ.updates.restarted(average.averageCounts, VQ.updates.written(s.codebook, distant))
      : undefined,
    shares,
    dead,
    deadByDistance: rescued(VQ.candidates.distances(it)),
    deadBySample: drawn,
    deadCounts: VQ.updates.restarted(average.averageCounts, VQ.updates.written(s.codebook, drawn)),
    deadNumber: VQ.deadCodes.number(n),
    first: VQ.starts.first(s.vectors, n),
    sample: VQ.starts.sample(s.vectors, n, s.order),
    seeds: finite.length ? VQ.starts.seeds(finite, n, s.draws) : undefined,
    lloyd: finite.length ? VQ.starts.lloydStep(finite, VQ.starts.seeds(finite, n, s.draws)) : undefined,
    kMeans: finite.length && !s.exact ? VQ.starts.kMeans(s.vectors, n, s.iterations, s.draws, s.comparison) : undefined,
  },
  spelled,
);
