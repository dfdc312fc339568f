import { join } from 'node:path'
import { z } from 'zod'
import { run } from './programs.ts'

const Load = z.object({
  rate: z.number(),
  p50Ms: z.number(),
  p99Ms: z.number(),
  refused: z.number(),
})

export const connections = 16
const seconds = 3

/** Requests a second on kept connections, from a client in a process of its own. Throws when one is not answered with 200. */
export function loadOf(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): z.infer<typeof Load> {
  const child = join(import.meta.dirname, 'load-child.ts')
  const args = [child, url, String(connections), String(seconds), JSON.stringify(headers)]
  const load = Load.parse(JSON.parse(run(process.execPath, args)))
  if (load.refused > 0) throw new Error(`${url}: ${load.refused} answers were not 200`)
  return load
}
