// Follow something that is counted (a regrade, a search) and load the page anew when it is complete.
const card = document.querySelector("[data-follow]");
const bar = card.querySelector("progress");

async function follow() {
  let pause = 1500;
  try {
    const response = await fetch(card.dataset.follow, { cache: "no-store" });
    if (!response.ok) throw new Error(response.statusText);
    const { done, total, final } = await response.json();
    if (final) return location.reload();
    card.querySelector("[data-done]").textContent = done;
    card.querySelector("[data-total]").textContent = total;
    bar.max = total || 1;
    bar.value = done;
  } catch {
    pause = 5000;
  }
  setTimeout(follow, pause);
}

follow();
