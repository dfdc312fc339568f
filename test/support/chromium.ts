import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'

const Message = z.looseObject({ id: z.number().optional() })
const Logged = z.object({
  method: z.literal('Log.entryAdded'),
  params: z.object({ entry: z.object({ source: z.string() }) }),
})
const Evaluated = z.object({ result: z.object({ value: z.unknown().optional() }) })

/**
 * Debian's Chromium without a window, driven by its own protocol. Scripts of pages do not run; `refusals` is what it told of
 * policies that a page broke.
 */
export async function openChromium() {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-chromium-'))
  const quiet = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--no-first-run',
    '--hide-scrollbars',
  ]
  const own = [
    `--user-data-dir=${folder}`,
    '--remote-debugging-port=0',
    '--ignore-certificate-errors',
  ]
  const child: ChildProcess = spawn('chromium', [...quiet, ...own, 'about:blank'], {
    stdio: 'ignore',
  })
  const closed = new Promise((resolve) => child.once('close', resolve))
  const port = async () =>
    (await readFile(join(folder, 'DevToolsActivePort'), 'utf8').catch(() => '')).split('\n')[0]
  for (let at = 0; at < 600 && !(await port()); at++) await sleep(100)
  const listed = await (await fetch(`http://127.0.0.1:${await port()}/json/list`)).json()
  const [target] = z
    .array(z.object({ type: z.string(), webSocketDebuggerUrl: z.string() }))
    .parse(listed)
    .filter(({ type }) => type === 'page')
  const socket = new WebSocket(target?.webSocketDebuggerUrl ?? '')
  await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }))
  const refusals: string[] = []
  let last = 0

  function send(method: string, params: object = {}): Promise<unknown> {
    const id = ++last
    const answered = new Promise((resolve) => {
      const listen = ({ data }: MessageEvent): void => {
        const message = Message.parse(JSON.parse(String(data)))
        if (message.id !== id) return
        socket.removeEventListener('message', listen)
        resolve(message.result)
      }
      socket.addEventListener('message', listen)
    })
    socket.send(JSON.stringify({ id, method, params }))
    return answered
  }

  socket.addEventListener('message', ({ data }) => {
    const logged = Logged.safeParse(JSON.parse(String(data)))
    if (logged.data?.params.entry.source === 'security') refusals.push(String(data))
  })
  await send('Page.enable')
  await send('Log.enable')
  await send('Emulation.setScriptExecutionDisabled', { value: true })

  async function evaluate(expression: string): Promise<unknown> {
    const answer = await send('Runtime.evaluate', { expression, returnByValue: true })
    return Evaluated.safeParse(answer).data?.result.value
  }
  const text = async () => String(await evaluate('document.documentElement.outerHTML'))
  const url = async () => String(await evaluate('location.href'))

  /** Types into the field that has the focus, or this one, as a keyboard does. */
  async function type(selector: string, typed: string): Promise<void> {
    await evaluate(`document.querySelector(${JSON.stringify(selector)}).focus()`)
    await evaluate('document.activeElement.select?.()')
    await send('Input.insertText', { text: typed })
  }

  async function press(): Promise<void> {
    const enter = { key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 13, text: '\r' }
    await send('Input.dispatchKeyEvent', { type: 'keyDown', ...enter })
    await send('Input.dispatchKeyEvent', { type: 'keyUp', ...enter })
  }

  async function close(): Promise<void> {
    await send('Browser.close')
    socket.close()
    await closed
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }

  const goTo = (address: string) => send('Page.navigate', { url: address })
  return { goTo, text, url, type, press, close, refusals }
}
