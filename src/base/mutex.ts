/** Runs one task after another, in the order they were given. */
export function openMutex() {
  let last: Promise<unknown> = Promise.resolve()
  return function exclusively<Result>(task: () => Promise<Result>): Promise<Result> {
    const run = last.then(task, task)
    last = run.catch(() => undefined)
    return run
  }
}
