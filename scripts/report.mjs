// A reporter of vitest's: what passed, and by name what failed and why, as JSON in the file that VITRINE_TEST_REPORT names.
// Runs are long: `test.mjs` tells at the very end what failed, where the log of a CI is read.
import { writeFileSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'

/** Lines of an error that are kept, its difference among them: enough to know what failed and where. */
const LINES = 40

function saidOf({ stack, message, diff }) {
  const ours = (stack || message).split('\n').filter((line) => !line.includes('node_modules'))
  const lines = [...ours, ...stripVTControlCharacters(diff ?? '').split('\n')]
  return lines.slice(0, LINES).join('\n').trimEnd()
}

export default class Report {
  onTestRunEnd(files, unhandled) {
    const failures = unhandled.map((error) => ({
      name: 'outside of any test',
      errors: [saidOf(error)],
    }))
    let passed = 0
    for (const file of files) {
      const where = `${file.project.name} ${file.relativeModuleId}`
      const broken = (name, errors) => failures.push({ name, errors: errors.map(saidOf) })
      if (file.errors().length > 0) broken(where, file.errors())
      for (const suite of file.children.allSuites()) {
        if (suite.errors().length > 0) broken(`${where} > ${suite.fullName}`, suite.errors())
      }
      for (const test of file.children.allTests()) {
        const { state, errors } = test.result()
        if (state === 'passed') passed += 1
        if (state === 'failed') broken(`${where} > ${test.fullName}`, errors)
      }
    }
    writeFileSync(process.env.VITRINE_TEST_REPORT, JSON.stringify({ passed, failures }))
  }
}
