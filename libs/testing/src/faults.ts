/** A crash: the process gets no chance to clean up. Resolves when the signal is sent. */
export function killProcess(pid: number): void {
  process.kill(pid, 'SIGKILL');
}

/**
 * Stops a process without ending it, as a long garbage collection or a frozen virtual machine would.
 *
 * @returns the function that lets it go on
 */
export function pauseProcess(pid: number): () => void {
  process.kill(pid, 'SIGSTOP');
  return () => void process.kill(pid, 'SIGCONT');
}
