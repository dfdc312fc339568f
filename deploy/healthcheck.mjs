// Exit code 0 when the process in this container answers. Its certificate is not looked at: nothing is sent, nothing is
// believed but that somebody is there. VITRINE_HEALTH_URL names another address (plainHttp, another port).
process.removeAllListeners('warning')
process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
const url = process.env.VITRINE_HEALTH_URL ?? 'https://127.0.0.1:8443/healthz'
const answer = await fetch(url, { signal: AbortSignal.timeout(4_000) }).catch(() => undefined)
process.exit(answer?.ok ? 0 : 1)
