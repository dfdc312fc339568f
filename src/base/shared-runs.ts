/**
 * One run of `task` for each key at a time. Who asks while one is under way shares the next with all others who do: it
 * begins after they asked, so that it covers what they did before.
 */
export function openSharedRuns(
  task: (key: string) => Promise<void>,
): (key: string) => Promise<void> {
  type Run = { readonly running: Promise<void>; next: Promise<void> | undefined }
  const runs = new Map<string, Run>()

  function start(key: string): Promise<void> {
    const run: Run = { running: task(key), next: undefined }
    runs.set(key, run)
    const end = (): void => void (runs.get(key) === run && runs.delete(key))
    run.running.then(end, end)
    return run.running
  }

  return (key) => {
    const run = runs.get(key)
    if (run === undefined) return start(key)
    run.next ??= run.running.catch(() => undefined).then(() => start(key))
    return run.next
  }
}
