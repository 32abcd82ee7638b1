// What a page in a course system's frame says to the page around it (Platform Storage 0.1).
const page = document.getElementById("lti");
const said = page.dataset;
const around = window.parent !== window ? window.parent : window.opener;

function ask(subject, more) {
  return new Promise((resolve) => {
    const id = crypto.randomUUID();
    let frame = around;
    if (around && said.target !== "_parent") frame = around.frames[said.target] || around;
    const give = setTimeout(() => resolve(null), 3000);
    window.addEventListener("message", (event) => {
      const right = event.data && event.data.message_id === id && event.origin === said.origin;
      if (!right || event.data.subject !== `${subject}.response`) return;
      clearTimeout(give);
      resolve(event.data.error ? null : event.data);
    });
    if (frame) frame.postMessage({ subject, message_id: id, key: said.key, ...more }, said.origin);
  });
}

if (said.action === "put") {
  ask("lti.put_data", { value: said.value }).then(() => location.replace(said.there));
} else if (said.action === "get") {
  ask("lti.get_data", {}).then((answer) => {
    if (!answer || typeof answer.value !== "string") {
      document.getElementById("tab").hidden = false;
      return;
    }
    const form = document.getElementById("proof");
    form.elements.value.value = answer.value;
    form.submit();
  });
} else if (said.action === "send") {
  document.getElementById("answer").submit();
} else if (said.action === "close" && around) {
  around.postMessage({ subject: "org.imsglobal.lti.close" }, said.origin);
}
