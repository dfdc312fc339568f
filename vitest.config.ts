import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

const postgres = { globalSetup: ['test/support/postgres-door.ts'] }
/** A loaded machine is no failure. */
const patient = { expect: { poll: { timeout: 30_000 } } }
const storeOnPostgres = 'src/store/postgres*.test.ts'
const everySchema = 'src/store/migrate.test.ts'
const slow = { ...patient, testTimeout: 60_000, hookTimeout: 60_000 }

export default defineConfig({
  test: {
    // One more than cores: tests wait for disks and timers as often as they compute.
    maxWorkers: availableParallelism() + 1,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'test/*.test.ts', 'test/property/**/*.test.ts'],
          exclude: [storeOnPostgres, everySchema],
          ...postgres,
          ...slow,
        },
      },
      { test: { name: 'contract', include: ['test/contract/**/*.test.ts'], ...postgres, ...slow } },
      // Damage, loss, backups, data of older releases and from elsewhere: promises of the same kind that take minutes.
      {
        test: {
          name: 'recovery',
          include: ['test/recovery/**/*.test.ts', everySchema],
          ...postgres,
          ...slow,
        },
      },
      // The same on PostgreSQL, but for those that choose their database themselves, and for what the documents say.
      {
        test: {
          name: 'contract-postgres',
          include: ['test/{contract,recovery,processes}/**/*.test.ts', storeOnPostgres],
          exclude: ['**/{backup,move-to-postgres,older-data,migration}.test.ts'],
          provide: { database: 'postgres' },
          ...postgres,
          ...slow,
        },
      },
      {
        test: {
          name: 'crash',
          include: ['test/crash/**/*.test.ts'],
          ...postgres,
          ...patient,
          testTimeout: 240_000,
          hookTimeout: 60_000,
        },
      },
      // The same on PostgreSQL, but for those that choose their database themselves or have none.
      {
        test: {
          name: 'crash-postgres',
          include: ['test/crash/**/*.test.ts'],
          exclude: ['**/{data-plane,database-away,store-kill}.test.ts'],
          provide: { database: 'postgres' },
          ...postgres,
          ...patient,
          testTimeout: 240_000,
          hookTimeout: 60_000,
        },
      },
      // What needs system packages; `.ci/run` installs them and runs it.
      {
        test: {
          name: 'system',
          include: ['test/system/**/*.test.ts'],
          ...patient,
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
      // As long as somebody wants: `npm run soak`.
      { test: { name: 'soak', include: ['test/soak/**/*.test.ts'], testTimeout: 0 } },
    ],
  },
})
