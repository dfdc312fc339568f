import { it } from 'vitest'
import { runSoak } from '../soak/run-soak.ts'

it(
  'two API and four worker processes under load and faults: nothing is lost, nothing is there twice',
  () => runSoak({ seconds: 60, seed: Date.now() % 1_000_000_000 }),
  900_000,
)
