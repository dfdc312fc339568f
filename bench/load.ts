import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
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

/** Requests a second, of the URLs in turn, on kept connections, from a client in a process of its own. Throws when one is not answered with 200. */
export function loadOf(
  urls: string | readonly string[],
  headers: Readonly<Record<string, string>> = {},
): z.infer<typeof Load> {
  const child = join(import.meta.dirname, 'load-child.ts')
  // A file: a list may be longer than a command line.
  const list = join(mkdtempSync(join(tmpdir(), 'vitrine-load-')), 'urls.json')
  writeFileSync(list, JSON.stringify([urls].flat()))
  const args = [child, list, String(connections), String(seconds), JSON.stringify(headers)]
  const load = Load.parse(JSON.parse(run(process.execPath, args)))
  rmSync(dirname(list), { recursive: true })
  if (load.refused > 0) throw new Error(`${[urls].flat()[0]}: ${load.refused} answers were not 200`)
  return load
}
