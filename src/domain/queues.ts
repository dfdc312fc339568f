import { sizes } from './limits.ts'

/**
 * Copies by what they move: each class has a queue and hands of its own, so that none waits behind those that take longer
 * than all of its own. Class 0 is the region's queue of all other work.
 */
const classes = [
  { suffix: '', bytesMax: 64 * sizes.mib },
  { suffix: '/large', bytesMax: 4 * sizes.gib },
  { suffix: '/huge', bytesMax: Number.POSITIVE_INFINITY },
] as const

/** A foreign host may be slow for hours. */
const imports = '/imports'

/** Behind a region's queue: those of larger copies, smallest first, and that of imports. Each has hands of its own. */
export const slowQueues = [...classes.slice(1).map(({ suffix }) => suffix), imports]

/** Where a file of another host is fetched, for work of a region's queue. */
export function queueOfImport(queue: string): string {
  return queue.endsWith(imports) ? queue : `${queue}${imports}`
}

/** The queue of `bytes` to be moved in a region, where that is a larger one than `queue`; else `queue`. */
export function queueOfCopy(region: string, bytes: number, queue: string): string {
  const names = classes.map(({ suffix }) => `region:${region}${suffix}`)
  const fitting = classes.findIndex(({ bytesMax }) => bytes <= bytesMax)
  return names[Math.max(fitting, names.indexOf(queue))] ?? queue
}
