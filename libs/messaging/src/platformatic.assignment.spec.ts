import { AssignerProtocol, type Cluster, PartitionAssigners } from 'kafkajs';
import { ASSIGNER, assign, decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from './platformatic.assignment.js';

const { MemberAssignment, MemberMetadata } = AssignerProtocol;
const TOPICS = ['shop.events', 'shop.commands', 'shop.replies'];
const nothing = Buffer.alloc(0);

const cluster = {
  findTopicPartitionMetadata: () => Array.from({ length: 12 }, (_, partitionId) => ({ partitionId })),
} as unknown as Cluster;
const theirs = PartitionAssigners.roundRobin({ cluster, groupId: 'shop', logger: undefined as never });

it('goes by the name of kafkajs’ assigner', () => {
  expect(theirs.name).toBe(ASSIGNER);
});

it.each([1, 2, 3, 5, 40])('shares among %i members as kafkajs does', async (count) => {
  const ids = Array.from({ length: count }, (_, i) => `member-${(i * 7) % count}-${i}`);
  const metadata = encodeSubscription(TOPICS);
  const members = ids.map((memberId) => ({ memberId, memberMetadata: metadata }));
  const wanted = await theirs.assign({ members, topics: TOPICS });
  const ours = assign(
    ids.map((memberId) => ({ memberId, topics: TOPICS })),
    () => 12,
  );
  for (const { memberId, memberAssignment } of wanted)
    expect([...ours.get(memberId)!]).toEqual(Object.entries(MemberAssignment.decode(memberAssignment)!.assignment));
  expect([...ours.values()].flatMap((topics) => [...topics.values()].flat())).toHaveLength(36);
});

it('gives a topic only to those that want it', () => {
  const shares = assign(
    [
      { memberId: 'old', topics: ['shop.events'] },
      { memberId: 'new', topics: ['shop.events', 'shop.replies'] },
    ],
    () => 4,
  );
  expect([...shares.get('old')!.keys()]).toEqual(['shop.events']);
  expect(shares.get('new')!.get('shop.replies')).toEqual([0, 1, 2, 3]);
});

it('reads what kafkajs writes', () => {
  expect(decodeSubscription(MemberMetadata.encode({ version: 0, topics: TOPICS, userData: nothing }))).toEqual(TOPICS);
  const assignment = { 'shop.events': [0, 2], 'shop.replies': [11] };
  const bytes = MemberAssignment.encode({ version: 0, assignment, userData: nothing });
  expect(Object.fromEntries(decodeAssignment(bytes))).toEqual(assignment);
  expect(decodeAssignment(nothing).size).toBe(0);
});

it('writes what kafkajs reads', () => {
  expect(MemberMetadata.decode(encodeSubscription(TOPICS))).toMatchObject({ version: 0, topics: TOPICS });
  const assignment = new Map([['shop.events', [0, 2]]]);
  expect(MemberAssignment.decode(encodeAssignment(assignment))!.assignment).toEqual({ 'shop.events': [0, 2] });
});
