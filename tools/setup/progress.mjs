/** Shows that `title` is under way, then how long it took; returns the seconds. */
export async function progress(title, work) {
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  const tty = process.stderr.isTTY;
  let timer;
  if (tty) timer = setInterval(() => process.stderr.write(`\r… ${title} ${seconds().toFixed(0)} s `), 250);
  else process.stderr.write(`… ${title}\n`);
  try {
    await work();
    process.stderr.write(`${tty ? '\r' : ''}✔ ${title}: ${seconds().toFixed(1)} s${' '.repeat(8)}\n`);
    return seconds();
  } catch (error) {
    process.stderr.write(`${tty ? '\r' : ''}✖ ${title}: after ${seconds().toFixed(1)} s${' '.repeat(8)}\n`);
    throw error;
  } finally {
    clearInterval(timer);
  }
}
