import time, sys
from autograder.catalogue import Catalogue
from autograder.oracle import Oracle
from autograder.grading import judge
from autograder.diagnosis import diagnose
from autograder.judging.local import LocalSession
cat = Catalogue.load()
o = Oracle(b"s")
for name, a in cat.assignments.items():
    if name=="all": continue
    for topic, ex in a.exercises:
        t=time.time(); trials=o.trials(topic,ex); t1=time.time()-t
        t=time.time(); sus=o.suspects(topic,ex); t2=time.time()-t
        for m in (None,*ex.misconceptions):
            s=LocalSession(topic.functions(m))
            t=time.time(); ans = [tr.judge(tuple(s.call(c) for c in tr.calls)) for tr in trials]; t3=time.time()-t
            t=time.time(); rows=judge(ex,trials,ans); t4=time.time()-t
            d=[x.misconception.name for x in diagnose(trials,sus,ans)] if m else []
            sc=sum(r.points for r in rows if r.passed)
            flag = ("ok" if sc==ex.max_score else "BAD") if m is None else ("ok" if sc<ex.max_score and d==[m.name] else "BAD")
            print(flag, ex.name, m.name if m else "-", sc, ex.max_score, d, [ (r.name, r._message(reveal=True)[:150]) for r in rows if not r.passed][:3] if '-v' in sys.argv else '')
        print(f"{ex.name}: trials {t1*1e3:.0f} ms suspects {t2*1e3:.0f} calls {t3*1e3:.0f} judge {t4*1e3:.0f}")
