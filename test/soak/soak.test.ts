import { it } from 'vitest'
import { runSoak } from './run-soak.ts'

const minutes = Number(process.env.VITRINE_SOAK_MINUTES ?? 10)
const seed = Number(process.env.VITRINE_SOAK_SEED ?? Date.now() % 1_000_000_000)

it('under load and faults nothing is lost, nothing is there twice, all of it reads', () =>
  runSoak({ seconds: minutes * 60, seed }))
