import { nameOf, parseRowId, parseSagaId } from './ids.js';

const uuid = '01a2046b-a23f-7148-a99f-7c28b1e58668';

it('an id of a row names its service and its number, back and forth', () => {
  expect(parseRowId('payment-17')).toEqual({ service: 'payment', id: '17' });
  expect(parseRowId(nameOf('card-vault', '9007199254740993'))).toEqual({ service: 'card-vault', id: '9007199254740993' });
});

it.each(['17', 'payment', 'payment-', 'payment-0', 'payment-017', 'payment-1x', 'Payment-1', 'payment-1234567890123456789', '-17', ''])(
  '"%s" is none, and the error says what one looks like',
  (text) => expect(() => parseRowId(text)).toThrow(`"${text}" is not an id: it names its service and a number, such as payment-17`),
);

it('a saga is named by its UUID, with or without its service', () => {
  expect(parseSagaId(uuid)).toEqual({ service: undefined, id: uuid });
  expect(parseSagaId(`order-${uuid}`)).toEqual({ service: 'order', id: uuid });
  expect(parseSagaId(`tour-desk-${uuid.toUpperCase()}`)).toEqual({ service: 'tour-desk', id: uuid });
  for (const text of ['order-17', 'order', `${uuid}0`, `-${uuid}`]) expect(() => parseSagaId(text)).toThrow('is not the id of a saga');
});
