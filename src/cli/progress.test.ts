import { expect, test } from 'vitest'
import { openQuickWorld } from '../../test/support/quick-world.ts'
import { openTestTerminal } from '../../test/support/test-terminal.ts'
import { openProgress, type ProgressRow, renderRow } from './progress.ts'
import { progressRow } from './region-progress.ts'

const { signal } = new AbortController()
const row: ProgressRow = {
  label: 'East US',
  state: 'running',
  bytesDone: 50 * 1024 ** 2,
  bytesTotal: 200 * 1024 ** 2,
  bytesPerSecond: 10 * 1024 ** 2,
  etaSeconds: 15,
  note: 'LRS',
}

test('a row tells share, bytes, rate and time left', () => {
  const line = renderRow(row, openTestTerminal())
  expect(line).toContain(' 25 %')
  expect(line).toContain('50.0 MiB of 200 MiB')
  expect(line).toContain('10.0 MiB/s, 15 s left')
  expect(line).toContain('LRS')
})

test('only what is done is shown as full', () => {
  expect(renderRow({ ...row, bytesDone: row.bytesTotal }, openTestTerminal())).toContain(' 99 %')
  expect(renderRow({ ...row, state: 'done' }, openTestTerminal())).toContain('100 %')
  expect(renderRow({ ...row, bytesTotal: 0 }, openTestTerminal())).toContain('  0 %')
})

test('a line fits the terminal', () => {
  const terminal = openTestTerminal({ isTerminal: true, columns: 60 })
  expect(renderRow({ ...row, note: 'x'.repeat(200) }, terminal).length).toBeLessThanOrEqual(60)
})

test('a terminal is drawn over in place', () => {
  const terminal = openTestTerminal({ isTerminal: true })
  const progress = openProgress(terminal, openQuickWorld())
  progress.show([row, row])
  progress.show([row, row])
  expect(terminal.text().split('\u001b[2A')).toHaveLength(2)
})

test('a pipe gets a line when the state changes, and a sign of life in between', async () => {
  const terminal = openTestTerminal()
  const world = openQuickWorld()
  const progress = openProgress(terminal, world)
  progress.show([row])
  progress.show([row])
  await world.sleep(1000, signal)
  progress.show([row])
  expect(terminal.text().split('\n')).toHaveLength(2)
  await world.sleep(5000, signal)
  progress.show([row])
  progress.show([{ ...row, state: 'done' }])
  progress.show([{ ...row, state: 'done' }])
  const lines = terminal.text().trim().split('\n')
  expect(lines).toHaveLength(3)
  expect(lines.at(-1)).toContain('✓ East US')
  expect(terminal.text()).not.toContain('\u001b')
})

test('a failed region says why, a usable one that it is', () => {
  const region = {
    region: 'eastus',
    displayName: 'East US',
    state: 'Failed',
    usable: false,
    phase: 'copy',
    bytesDone: 1,
    bytesTotal: 2,
    reason: 'The space is full.',
  }
  expect(progressRow(region)).toMatchObject({ state: 'failed', note: 'The space is full.' })
  const growing = { ...region, state: 'Replicating', usable: true, reason: null, replicas: 3 }
  expect(progressRow({ ...growing, storageAccountType: 'Standard_ZRS' })).toMatchObject({
    state: 'running',
    note: 'ZRS, 3 replicas · copy · usable already',
  })
})
