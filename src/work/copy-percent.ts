import type { World } from '../base/world.ts'
import type { Progress } from '../regions/plane.ts'
import type { Running } from '../runner/work.ts'

/** Written at most this often: a number for people. */
const everyMs = 400

/** Tells in the status of a snapshot how much of it has been copied. */
export function openCopyPercent(world: World, write: Running['write'], key: string) {
  let writtenMs = world.now().getTime()
  let writing: Promise<void> = Promise.resolve()

  function put(completionPercent: number): Promise<void> {
    return write(async (rows) => {
      const snapshot = await rows.resources.lock(key)
      if (!snapshot || snapshot.state === 'Deleting') return
      const status = { ...snapshot.status, completionPercent }
      await rows.resources.setStatus(key, { status })
    })
  }

  return {
    report({ bytesDone, bytesTotal }: Progress): void {
      const nowMs = world.now().getTime()
      if (nowMs - writtenMs < everyMs) return
      writtenMs = nowMs
      const percent = Math.min(99, Math.floor((bytesDone / Math.max(1, bytesTotal)) * 100))
      // A lost write is made good by the next one; a lost lease stops the step by its own way.
      writing = writing.then(() => put(percent)).catch(() => undefined)
    },
    /** Waits for what is under way. */
    rest: () => writing,
  }
}
