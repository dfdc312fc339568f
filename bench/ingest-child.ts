import { readFileSync } from 'node:fs'
import { secondsOf } from './bench.ts'
import { openBenchPlane, publishLocal } from './bench-plane.ts'

/** Stores one disk in a process of its own and prints what it took: `node ingest-child.ts FILE FOLDER`. */
const [file = '', folder = ''] = process.argv.slice(2)
const own = await openBenchPlane(folder)
let occupiedBytes = 0
const seconds = await secondsOf(async () => {
  occupiedBytes = (await publishLocal(own, file, 'child')).occupiedBytes
})
await own.close()
const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))
console.log(JSON.stringify({ seconds, occupiedBytes, peakBytes: Number(peak?.[1]) * 1024 }))
