import { join } from 'node:path';
import { type MatrixArguments, USUAL } from './crash-matrix.options.js';
import { POINTS } from './crash-matrix.points.js';

/** The published report, in the workspace. */
export const PAGE = join('docs', 'drills', 'crash-matrix.md');

type Asked = Pick<MatrixArguments, 'points' | 'seeds' | 'atOnce' | 'rate' | 'slack' | 'without'>;

/** Why a run says less than the published page, or something else; none when it may take its place. That it ended red is no reason. */
export function whyNotPublished({ points, seeds, atOnce, rate, slack, without }: Asked, aborted: boolean): string[] {
  const other = (option: string, was: number, usual: number) => (was === usual ? [] : [`--${option} was ${was}, not ${usual}`]);
  return [
    ...(aborted ? ['the run was ended before its time'] : []),
    ...(points.length < POINTS.length ? [`it was of ${points.length} of ${POINTS.length} points`] : []),
    ...(seeds.length < USUAL.seeds ? [`it had fewer than ${USUAL.seeds} seeds`] : []),
    ...other('at-once', atOnce, USUAL.atOnce),
    ...other('rate', rate, USUAL.rate),
    ...other('slack', slack, USUAL.slack),
    ...(without === undefined ? [] : [`${without} took a safeguard away`]),
  ];
}
