import Sequencer from '@jest/test-sequencer';

/**
 * Begins with the files that take longest, so that none of them is alone at the end while the other workers have nothing to do. Without a
 * cache, as in CI, Jest goes by the size of a file, and the longest are the smallest: each only holds one more adapter to a suite.
 */
const LONGEST = [
  /kafka\.clients/,
  /conformance\.int/,
  /tools\/cluster\/test\/start/,
  /apps\/order\/test\/stream/,
  /apps\/payment\/test\/(crash|faults)/,
];

export default class LongestFirst extends Sequencer {
  sort(tests) {
    const rank = ({ path }) => (LONGEST.findIndex((pattern) => pattern.test(path)) + LONGEST.length + 1) % (LONGEST.length + 1);
    return super.sort(tests).sort((a, b) => rank(a) - rank(b));
  }
}
