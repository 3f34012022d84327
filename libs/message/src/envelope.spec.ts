import { decode, encode, type Envelope } from './envelope.js';
import { InvalidMessageError } from './errors.js';

const envelope: Envelope = {
  id: '0198c1b0-0000-7000-8000-000000000002',
  source: '/ballast/cart',
  type: 'cart.checked-out.v1',
  key: 'cart-1',
  time: new Date('2026-11-01T10:00:00.000Z'),
  payload: { cartId: 'cart-1', name: 'Grüße ☕' },
  replyTo: 'order.replies',
  sagaId: 'saga-1',
  causationId: 'cause-1',
  trace: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', tracestate: 'a=1' },
};

describe('the envelope', () => {
  it('is CloudEvents 1.0 in Kafka binary mode', () => {
    const record = encode('cart.events', envelope);
    expect(record).toMatchObject({ topic: 'cart.events', key: 'cart-1', value: JSON.stringify(envelope.payload) });
    expect(record.headers).toMatchObject({
      ce_specversion: '1.0',
      ce_id: envelope.id,
      ce_source: '/ballast/cart',
      ce_type: 'cart.checked-out.v1',
      ce_subject: 'cart-1',
      ce_time: '2026-11-01T10:00:00.000Z',
      'content-type': 'application/json',
      traceparent: envelope.trace['traceparent'],
    });
  });

  it('survives the wire whole', () => {
    expect(decode(encode('cart.events', envelope))).toEqual(envelope);
  });

  it.each(['ce_id', 'ce_type', 'ce_source', 'ce_time', 'ce_specversion'])('is refused without %s', (header) => {
    const record = encode('cart.events', envelope);
    delete record.headers[header];
    expect(() => decode(record)).toThrow(InvalidMessageError);
    expect(() => decode(record)).toThrow(header);
  });

  it.each([
    ['a value that is not JSON', { value: '{"a":' }],
    ['another version of CloudEvents', { headers: { ce_specversion: '0.3' } }],
    ['a time that is none', { headers: { ce_time: 'yesterday' } }],
  ])('is refused with %s', (_, change) => {
    const record = encode('cart.events', envelope);
    const broken = { ...record, ...change, headers: { ...record.headers, ...('headers' in change ? change.headers : {}) } };
    expect(() => decode(broken)).toThrow(InvalidMessageError);
  });
});
