import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openChromium } from '../support/chromium.ts'
import { freshVerifier, password, tokensOf, useSignIn } from '../support/sign-in.ts'

const { ann, authority, post, authorizeUrl, redeeming, deviceCode } = useSignIn()
let browser: Awaited<ReturnType<typeof openChromium>>
let program: Server
let redirect_uri: string
const came: string[] = []
beforeAll(async () => {
  program = createServer(({ url = '' }, response) => {
    if (url.includes('code=')) came.push(url)
    response.end('back in the program')
  })
  await new Promise<void>((resolve) => program.listen(0, '127.0.0.1', resolve))
  redirect_uri = `http://127.0.0.1:${(program.address() as AddressInfo).port}`
  browser = await openChromium()
})
afterAll(async () => {
  await browser.close()
  program.closeAllConnections()
  await new Promise((resolve) => program.close(resolve))
})

const shows = (text: string) => expect.poll(browser.text, { timeout: 30_000 }).toContain(text)

it('a person signs in by the keyboard, without scripts, and the code reaches the program', async () => {
  const verifier = freshVerifier()
  await browser.goTo(authorizeUrl(verifier, { redirect_uri }))
  await shows('Azure CLI')
  await browser.type('#name', ann().name)
  await browser.type('#password', 'not this one')
  await browser.press()
  await shows('is not right')
  await browser.type('#password', password)
  await browser.press()
  await shows('back in the program')
  const code = new URL(came[0] ?? '', redirect_uri).searchParams.get('code') ?? ''
  await tokensOf(post('/oauth2/v2.0/token', redeeming(code, verifier, { redirect_uri })))
  expect(browser.refusals).toEqual([])
})

it('who is signed in agrees, and a device gets its tokens', async () => {
  const told = await deviceCode()
  await browser.goTo(told.verification_uri)
  await shows('Enter the code')
  await browser.type('#code', told.user_code)
  await browser.press()
  await shows('Your device must show this code')
  await browser.type('button[name=confirm]', '')
  await browser.press()
  await shows(ann().name)
  await browser.type('button[value=agree]', '')
  await browser.press()
  await shows('You are signed in to Azure CLI')
  expect(browser.refusals).toEqual([])
})

it('a password is changed by its page', async () => {
  await browser.goTo(`${authority()}/password`)
  await shows('Choose a password')
  await browser.type('#name', ann().name)
  await browser.type('#password', password)
  await browser.type('#fresh', 'another horse battery')
  await browser.type('#again', 'another horse battery')
  await browser.press()
  await shows('Your password is changed')
  expect(browser.refusals).toEqual([])
})
