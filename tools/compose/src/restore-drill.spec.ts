import { parseRestoreDrill } from './restore-drill.options.js';
import { whileBuying } from './restore-drill.orders.js';

const gatewayOf = (args: string[], env = {}) => (parseRestoreDrill(args, env) as { gateway: string }).gateway;

it.each([
  [[], {}, 'http://127.0.0.1:8080'],
  [[], { GATEWAY_PORT: '28080' }, 'http://127.0.0.1:28080'],
  [[], { GATEWAY_PORT: '' }, 'http://127.0.0.1:8080'],
  [['https://shop.example/'], { GATEWAY_PORT: '28080' }, 'https://shop.example'],
  [['http://10.0.0.1:8081/shop/'], {}, 'http://10.0.0.1:8081/shop'],
])('with %j and %j buys at %s %s', (args, env, gateway) => expect(gatewayOf(args, env)).toBe(gateway));

it('is asked for help', () => expect(parseRestoreDrill(['--help'], {})).toEqual({ help: true }));

it.each([
  [['--hlep'], {}, /^Unknown option '--hlep'; see --help$/],
  [['localhost:8080'], {}, /^the gateway must be an address such as http:\/\/127.0.0.1:8080, not "localhost:8080"$/],
  [['8080'], {}, /^the gateway must be an address/],
  [['http://a', 'http://b'], {}, /^one gateway, not also http:\/\/b; see --help$/],
  [[], { GATEWAY_PORT: 'many' }, /^GATEWAY_PORT must be a port, not "many"$/],
  [[], { GATEWAY_PORT: '70000' }, /^GATEWAY_PORT must be a port/],
])('names the mistake in %j with %j', (args, env, message) => expect(() => parseRestoreDrill(args, env)).toThrow(message));

describe('orders meanwhile', () => {
  const tick = () => new Promise((resolve) => setImmediate(resolve));
  const bought = async (status: 'CONFIRMED' | 'REJECTED' = 'CONFIRMED') => (await tick(), { orderId: 'o1', status });

  it.each([
    ['a gateway that nobody reaches', () => Promise.reject(new Error('nothing answers at http://127.0.0.1:1')), 'nothing answers'],
    ['an order that is not confirmed', () => bought('REJECTED'), 'Before the drill began: order o1 is REJECTED'],
  ])('%s is told before the drill begins', async (_, buy, message) => {
    const drill = jest.fn();
    await expect(whileBuying(buy, drill)).rejects.toThrow(message);
    expect(drill).not.toHaveBeenCalled();
  });

  it('counts what was confirmed while the drill ran, and not the first one', async () => {
    let count = 0;
    const buy = () => bought(++count % 2 ? 'CONFIRMED' : 'REJECTED');
    const { result, confirmed } = await whileBuying(buy, async () => {
      while (count < 6) await tick();
      return 'done';
    });
    expect([result, count]).toEqual(['done', 6]);
    expect(confirmed).toBe(2);
  });

  it('ends the orders with a drill that fails, and tells of an order that failed when the drill is done', async () => {
    let count = 0;
    const buy = () => (count++, bought());
    await expect(whileBuying(buy, () => Promise.reject(new Error('no engine answers')))).rejects.toThrow('no engine answers');
    await tick();
    const before = count;
    await tick();
    await tick();
    expect(count).toBe(before);
    const failing = () => (count++ > before ? Promise.reject(new Error('gone')) : bought());
    let done = false;
    await expect(whileBuying(failing, async () => (await tick(), await tick(), (done = true)))).rejects.toThrow('gone');
    expect(done).toBe(true);
  });
});
