// A page opened from disk may start no worker, and Material's search is one: there a hidden frame does its work.
if (location.protocol === "file:")
  window.Worker = window.IFrameWorker = class extends EventTarget {
    constructor(url) {
      super()
      const frame = document.body.appendChild(Object.assign(document.createElement("iframe"), { hidden: true }))
      const inside = frame.contentWindow
      const load = (src) => new Promise((done) => {
        inside.document.body.append(Object.assign(inside.document.createElement("script"), { src, onload: done }))
      })
      inside.importScripts = (...urls) => urls.reduce((before, next) => before.then(() => load(next)), Promise.resolve())
      inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }))
      const loaded = load(url)
      this.postMessage = (data) => loaded.then(() => inside.dispatchEvent(new MessageEvent("message", { data })))
    }
  }
