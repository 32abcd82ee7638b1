// Times are the course's, with their zone. Where the reader's clock shows another, it is said beside.
const language = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
const day = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", year: "numeric" });
const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
for (const time of document.querySelectorAll("time[datetime]")) {
  const moment = new Date(time.dateTime);
  const [, sign, hours, minutes] = time.dateTime.match(/([+-])(\d\d):(\d\d)$/) ?? [];
  if (!sign) continue;
  const offset = Number(`${sign}1`) * (60 * Number(hours) + Number(minutes));
  if (-moment.getTimezoneOffset() === offset) continue;
  // The same moment on the course's calendar, as if it were the reader's.
  const there = new Date(moment.getTime() + (offset + moment.getTimezoneOffset()) * 60000);
  const own = document.createElement("small");
  const date = day.format(there) === day.format(moment) ? "" : `${day.format(moment)}, `;
  own.textContent = ` (${date}${clock.format(moment)} ${document.body.dataset.own})`;
  own.className = "own";
  time.append(own);
}
