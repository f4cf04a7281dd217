"""Drawings for product pictures: one motif per kind of thing, on a square of 400, in four tones of a palette.

{a} is the main tone, {b} a darker one, {c} a lighter one, {d} an accent, {f} fire and light. A title's last fitting word picks the motif.
"""

# ruff: noqa: E501  Paths are read by eye as one line per shape.

MOTIFS = {
    "tent": """
      <path d="M200 96 60 314h280z" fill="{a}"/><path d="M200 96 128 314h144z" fill="{b}"/>
      <path d="M200 150 164 314h72z" fill="{c}"/><path d="M200 84v24" stroke="{b}" stroke-width="6" stroke-linecap="round"/>
      <path d="M60 314 30 326M340 314l30 12" stroke="{d}" stroke-width="5" stroke-linecap="round"/>""",
    "tarp": """
      <path d="M70 150q130-66 260 0l-30 70q-100-46-200 0z" fill="{a}"/><path d="M200 117v82" stroke="{c}" stroke-width="4"/>
      <path d="M84 184v134M316 184v134" stroke="{b}" stroke-width="9" stroke-linecap="round"/>
      <path d="M70 150 36 310M330 150l34 160" stroke="{d}" stroke-width="3"/>""",
    "pegs": """
      <g stroke="{b}" stroke-width="13" stroke-linecap="round" fill="none">
      <path d="M130 110v190l8 14M130 120q24-30 34 4"/><path d="M196 96v204l8 14M196 106q24-30 34 4"/>
      <path d="M262 110v190l8 14M262 120q24-30 34 4"/></g>
      <rect x="108" y="206" width="200" height="30" rx="15" fill="{a}"/><circle cx="208" cy="221" r="7" fill="{c}"/>""",
    "cord": """
      <rect x="138" y="92" width="124" height="30" rx="10" fill="{b}"/><rect x="138" y="288" width="124" height="30" rx="10" fill="{b}"/>
      <rect x="152" y="118" width="96" height="174" fill="{a}"/>
      <g stroke="{c}" stroke-width="7"><path d="m152 144 96-16M152 172l96-16M152 200l96-16M152 228l96-16M152 256l96-16M152 284l96-16"/></g>
      <path d="M248 268q60 10 66 56" stroke="{d}" stroke-width="7" fill="none" stroke-linecap="round"/>""",
    "pack": """
      <path d="M164 104q36-34 72 0" stroke="{b}" stroke-width="13" fill="none" stroke-linecap="round"/>
      <rect x="112" y="104" width="176" height="214" rx="46" fill="{a}"/>
      <rect x="92" y="196" width="34" height="98" rx="17" fill="{b}"/><rect x="274" y="196" width="34" height="98" rx="17" fill="{b}"/>
      <rect x="140" y="214" width="120" height="84" rx="20" fill="{b}"/><path d="M140 244h120" stroke="{c}" stroke-width="6"/>
      <path d="M112 164q88 34 176 0" stroke="{c}" stroke-width="7" fill="none"/><rect x="188" y="168" width="24" height="38" rx="8" fill="{d}"/>""",
    "duffel": """
      <path d="M138 178q62-92 124 0" stroke="{b}" stroke-width="13" fill="none"/>
      <rect x="66" y="172" width="268" height="140" rx="66" fill="{a}"/><path d="M132 172v140M268 172v140" stroke="{b}" stroke-width="18"/>
      <path d="M104 196h192" stroke="{c}" stroke-width="6" stroke-linecap="round"/><circle cx="286" cy="196" r="8" fill="{d}"/>""",
    "tote": """
      <path d="M150 170q0-78 50-78t50 78" stroke="{b}" stroke-width="12" fill="none"/>
      <path d="M104 158h192l18 160H86z" fill="{a}"/><path d="M94 250h212" stroke="{c}" stroke-width="5" stroke-dasharray="12 10"/>
      <rect x="166" y="196" width="68" height="38" rx="5" fill="{d}"/>""",
    "pouch": """
      <rect x="92" y="150" width="216" height="160" rx="34" fill="{a}"/><path d="M92 196h216" stroke="{b}" stroke-width="12"/>
      <path d="M110 196h150" stroke="{c}" stroke-width="4" stroke-dasharray="9 7"/><rect x="262" y="190" width="16" height="48" rx="8" fill="{d}"/>
      <path d="M150 150q50-44 100 0" stroke="{b}" stroke-width="10" fill="none"/>""",
    "sleep": """
      <path d="M110 318q-26-120 10-186 30-52 80-52t80 52q36 66 10 186-90 22-180 0z" fill="{a}"/>
      <ellipse cx="200" cy="142" rx="54" ry="44" fill="{b}"/><ellipse cx="200" cy="148" rx="38" ry="29" fill="{c}"/>
      <g stroke="{b}" stroke-width="6" fill="none"><path d="M108 212q92 24 184 0M104 252q96 24 192 0M106 290q94 24 188 0"/></g>
      <path d="M262 200v108" stroke="{d}" stroke-width="6"/>""",
    "mat": """
      <rect x="120" y="112" width="220" height="206" rx="20" fill="{a}"/>
      <g stroke="{b}" stroke-width="6"><path d="M120 152h220M120 192h220M120 232h220M120 272h220"/></g>
      <circle cx="120" cy="266" r="52" fill="{b}"/><circle cx="120" cy="266" r="34" fill="{a}"/><circle cx="120" cy="266" r="15" fill="{c}"/>""",
    "pillow": """
      <path d="M86 138q114-34 228 0 24 72 0 150-114 34-228 0-24-78 0-150z" fill="{a}"/>
      <path d="M112 160q88-24 176 0M112 268q88 24 176 0" stroke="{c}" stroke-width="6" fill="none"/>
      <path d="m200 184 10 20 22 3-16 16 4 22-20-11-20 11 4-22-16-16 22-3z" fill="{d}"/>""",
    "stove": """
      <rect x="148" y="218" width="104" height="98" rx="24" fill="{a}"/><path d="M148 254h104" stroke="{c}" stroke-width="8"/>
      <rect x="184" y="176" width="32" height="46" fill="{b}"/><path d="M112 176h176" stroke="{b}" stroke-width="14" stroke-linecap="round"/>
      <path d="M128 176l-14-34M272 176l14-34" stroke="{b}" stroke-width="10" stroke-linecap="round"/>
      <path d="M168 160q6-40 32-70 26 30 32 70-32 16-64 0z" fill="{f}"/><path d="M186 160q4-20 14-36 10 16 14 36-14 8-28 0z" fill="{c}"/>""",
    "pot": """
      <rect x="108" y="158" width="184" height="150" rx="18" fill="{a}"/><rect x="94" y="138" width="212" height="28" rx="14" fill="{b}"/>
      <rect x="184" y="112" width="32" height="26" rx="9" fill="{d}"/><path d="M292 196h40q20 0 20 26t-20 26h-40" stroke="{b}" stroke-width="13" fill="none"/>
      <path d="M132 196v80" stroke="{c}" stroke-width="9" stroke-linecap="round"/>""",
    "screen": """
      <path d="M56 128l72 22v168l-72-22zM200 128l72 22v168l-72-22z" fill="{a}"/><path d="M128 150l72-22v168l-72 22zM272 150l72-22v168l-72 22z" fill="{b}"/>
      <path d="M74 160v100M218 160v100" stroke="{c}" stroke-width="7" stroke-linecap="round"/><circle cx="200" cy="112" r="9" fill="{d}"/>""",
    "skillet": """
      <rect x="234" y="96" width="34" height="150" rx="17" transform="rotate(45 251 171)" fill="{b}"/>
      <circle cx="176" cy="226" r="92" fill="{b}"/><circle cx="176" cy="226" r="72" fill="{a}"/>
      <path d="M130 212q16-38 56-36" stroke="{c}" stroke-width="8" fill="none" stroke-linecap="round"/><circle cx="313" cy="109" r="7" fill="{d}"/>""",
    "mug": """
      <path d="M262 176h26q34 0 34 42t-34 42h-26" stroke="{b}" stroke-width="17" fill="none"/>
      <path d="M104 142h164v138q0 36-36 36h-92q-36 0-36-36z" fill="{a}"/><ellipse cx="186" cy="142" rx="82" ry="19" fill="{b}"/>
      <ellipse cx="186" cy="145" rx="64" ry="12" fill="{d}"/><path d="M128 182v92" stroke="{c}" stroke-width="9" stroke-linecap="round"/>""",
    "cutlery": """
      <g fill="{a}"><path d="M128 92q26 0 26 50 0 36-14 44v132h-24V186q-14-8-14-44 0-50 26-50z"/>
      <path d="M272 92q26 14 26 80l-12 28v118h-26V96z"/></g>
      <g fill="{b}"><path d="M176 92h9v54h8V92h14v54h8V92h9v66q0 18-14 24v136h-20V182q-14-6-14-24z"/></g>
      <path d="M104 286h192" stroke="{d}" stroke-width="14"/>""",
    "brush": """
      <rect x="190" y="186" width="20" height="132" rx="10" fill="{d}"/><rect x="164" y="84" width="72" height="118" rx="32" fill="{a}"/>
      <g stroke="{c}" stroke-width="6" stroke-linecap="round"><path d="M150 108h100M146 130h108M146 152h108M150 174h100"/></g>""",
    "coffee": """
      <path d="M120 112h160l-48 104h-64z" fill="{a}"/><rect x="104" y="98" width="192" height="20" rx="10" fill="{b}"/>
      <path d="M152 216h96v12h-96z" fill="{b}"/><path d="M146 234h108l10 62q2 22-20 22h-88q-22 0-20-22z" fill="{c}"/>
      <path d="M140 274h120l4 22q2 22-20 22h-88q-22 0-20-22z" fill="{d}"/><path d="M280 140q34 0 34 28t-44 26" stroke="{b}" stroke-width="10" fill="none"/>""",
    "filters": """
      <path d="M96 128h208l-58 176h-92z" fill="{c}"/><path d="M116 128h168l-46 176h-76z" fill="{a}"/>
      <path d="M150 128l22 176M200 128v176M250 128l-22 176" stroke="{b}" stroke-width="5"/><path d="M96 128h208" stroke="{d}" stroke-width="10"/>""",
    "bottle": """
      <rect x="170" y="72" width="60" height="44" rx="12" fill="{b}"/><path d="M182 84h36" stroke="{d}" stroke-width="8" stroke-linecap="round"/>
      <path d="M162 116h76q26 22 26 60v118q0 24-24 24h-80q-24 0-24-24V176q0-38 26-60z" fill="{a}"/>
      <path d="M136 222h128v40H136z" fill="{b}"/><path d="M160 150v52" stroke="{c}" stroke-width="9" stroke-linecap="round"/>""",
    "lamp": """
      <path d="M152 124q0-48 48-48t48 48" stroke="{b}" stroke-width="9" fill="none"/>
      <path d="M146 124h108l14 34H132z" fill="{b}"/><rect x="144" y="158" width="112" height="112" rx="10" fill="{c}"/>
      <path d="M180 250q-8-34 20-72 28 38 20 72z" fill="{f}"/><g stroke="{a}" stroke-width="8"><path d="M150 158v112M250 158v112"/></g>
      <path d="M128 270h144l12 48H116z" fill="{a}"/>""",
    "headlamp": """
      <path d="M70 226q130-120 260 0" stroke="{a}" stroke-width="34" fill="none"/>
      <rect x="146" y="152" width="108" height="86" rx="24" fill="{b}"/><circle cx="200" cy="195" r="30" fill="{c}"/><circle cx="200" cy="195" r="16" fill="{d}"/>
      <path d="M168 268l-18 42M200 270v46M232 268l18 42" stroke="{d}" stroke-width="7" stroke-linecap="round"/>""",
    "lights": """
      <path d="M40 130q80 90 160 36t160-36" stroke="{b}" stroke-width="6" fill="none"/>
      <g fill="{f}"><circle cx="92" cy="196" r="22"/><circle cx="160" cy="212" r="22"/><circle cx="238" cy="176" r="22"/><circle cx="312" cy="164" r="22"/></g>
      <g fill="{a}"><rect x="84" y="164" width="16" height="18" rx="4"/><rect x="152" y="180" width="16" height="18" rx="4"/>
      <rect x="230" y="146" width="16" height="18" rx="4"/><rect x="304" y="134" width="16" height="18" rx="4"/></g>""",
    "battery": """
      <rect x="168" y="88" width="64" height="26" rx="8" fill="{b}"/><rect x="136" y="110" width="128" height="208" rx="22" fill="{a}"/>
      <path d="M136 254h128v42q0 22-22 22h-84q-22 0-22-22z" fill="{b}"/><path d="M214 134l-42 68h28l-12 44 44-68h-28z" fill="{d}"/>""",
    "candle": """
      <path d="M200 76q34 40 0 70-34-30 0-70z" fill="{f}"/><path d="M200 128v30" stroke="{b}" stroke-width="6"/>
      <rect x="136" y="156" width="128" height="162" rx="14" fill="{a}"/><ellipse cx="200" cy="158" rx="64" ry="15" fill="{c}"/>
      <rect x="136" y="216" width="128" height="58" fill="{c}"/><path d="M166 238h68M178 254h44" stroke="{b}" stroke-width="6" stroke-linecap="round"/>""",
    "scissors": """
      <path d="M140 110 250 262M260 110 150 262" stroke="{b}" stroke-width="18" stroke-linecap="round"/><circle cx="200" cy="192" r="10" fill="{d}"/>
      <circle cx="134" cy="284" r="32" stroke="{a}" stroke-width="16" fill="none"/><circle cx="266" cy="284" r="32" stroke="{a}" stroke-width="16" fill="none"/>""",
    "matches": """
      <g stroke="#d9b98c" stroke-width="9" stroke-linecap="round"><path d="M216 172h106M216 196h118M216 220h100M216 244h112"/></g>
      <g fill="#b5483a"><ellipse cx="328" cy="172" rx="14" ry="9"/><ellipse cx="340" cy="196" rx="14" ry="9"/><ellipse cx="322" cy="220" rx="14" ry="9"/><ellipse cx="334" cy="244" rx="14" ry="9"/></g>
      <path d="M204 152h58v112h-58z" fill="{c}"/><rect x="64" y="140" width="176" height="136" rx="6" fill="{a}"/><path d="M64 276h176v40H64z" fill="{b}"/>
      <path d="M74 288h156M74 302h156" stroke="{a}" stroke-width="3" stroke-dasharray="3 5"/><circle cx="152" cy="208" r="40" fill="{c}"/><path d="M152 178q26 30 0 58-24-26 0-58z" fill="{f}"/>""",
    "jacket": """
      <path d="M152 96h96l60 40 24 132-44 10-18-70v110H130V208l-18 70-44-10 24-132z" fill="{a}"/>
      <path d="M152 96q48 52 96 0l-14-14h-68z" fill="{b}"/><path d="M200 126v192" stroke="{b}" stroke-width="6"/>
      <path d="M152 232h26M222 232h26" stroke="{c}" stroke-width="8" stroke-linecap="round"/><circle cx="232" cy="166" r="9" fill="{d}"/>""",
    "beanie": """
      <circle cx="200" cy="92" r="26" fill="{d}"/><path d="M96 256q-4-150 104-150t104 150z" fill="{a}"/>
      <rect x="82" y="240" width="236" height="66" rx="26" fill="{b}"/>
      <g stroke="{c}" stroke-width="6" stroke-linecap="round"><path d="M124 256v34M162 256v34M200 256v34M238 256v34M276 256v34"/></g>""",
    "gloves": """
      <path d="M74 296V172q0-42 46-42t46 42v34q24-22 32 0-2 34-38 56v34z" fill="{a}"/><path d="M326 296V172q0-42-46-42t-46 42v34q-24-22-32 0 2 34 38 56v34z" fill="{b}"/>
      <rect x="66" y="282" width="102" height="36" rx="12" fill="{d}"/><rect x="232" y="282" width="102" height="36" rx="12" fill="{d}"/>
      <path d="M98 178h44M98 202h44M258 178h44M258 202h44" stroke="{c}" stroke-width="6" stroke-linecap="round"/>""",
    "scarf": """
      <path d="M130 108q70 44 140 0 26 40-4 72-66 40-132 0-30-32-4-72z" fill="{a}"/><path d="M216 188h56v122h-56z" fill="{b}"/>
      <path d="M130 136q70 44 140 0" stroke="{c}" stroke-width="7" fill="none"/><g stroke="{d}" stroke-width="7"><path d="M224 310v16M244 310v16M264 310v16"/></g>""",
    "boot": """
      <path d="M134 92h84v112q10 24 54 36 50 12 50 46v20H134z" fill="{a}"/><rect x="122" y="300" width="204" height="22" rx="9" fill="{b}"/>
      <rect x="126" y="84" width="100" height="26" rx="13" fill="{b}"/>
      <path d="M196 140l40 10M200 168l40 10M208 196l38 10" stroke="{c}" stroke-width="7" stroke-linecap="round"/><path d="M134 250h60" stroke="{d}" stroke-width="8"/>""",
    "clog": """
      <path d="M70 244q4-56 76-56h60q28 0 46 24 30 34 78 40 14 60-40 60H98q-30-6-28-68z" fill="{a}"/>
      <path d="M70 286h262v12q-4 20-42 20H98q-26-4-28-32z" fill="{b}"/><path d="M80 226q50 22 128-38" stroke="{c}" stroke-width="9" fill="none"/><circle cx="258" cy="252" r="8" fill="{d}"/>""",
    "sock": """
      <path d="M148 84h88v136q0 24 30 40l34 18q22 18 6 34-14 12-42 6l-80-34q-36-18-36-60z" fill="{a}"/>
      <rect x="140" y="76" width="104" height="38" rx="12" fill="{b}"/><path d="M148 146h88M148 170h88" stroke="{c}" stroke-width="11"/>
      <path d="M274 264l34 18q18 18 2 32-14 8-40 2z" fill="{d}"/>""",
    "tin": """
      <ellipse cx="200" cy="270" rx="98" ry="40" fill="{b}"/><path d="M102 198h196v72q-98 66-196 0z" fill="{a}"/>
      <ellipse cx="200" cy="198" rx="98" ry="40" fill="{c}"/><ellipse cx="200" cy="198" rx="72" ry="27" fill="{d}"/>""",
    "blanket": """
      <rect x="86" y="118" width="228" height="58" rx="26" fill="{b}"/><rect x="76" y="174" width="248" height="62" rx="28" fill="{a}"/>
      <rect x="70" y="234" width="260" height="68" rx="30" fill="{b}"/>
      <g stroke="{c}" stroke-width="8"><path d="M126 174v62M160 174v62M240 174v62M274 174v62"/></g>
      <g stroke="{d}" stroke-width="5"><path d="M96 302v20M120 302v20M144 302v20M168 302v20M192 302v20M216 302v20M240 302v20M264 302v20M288 302v20M308 302v20"/></g>""",
    "cushion": """
      <path d="M84 116q116 22 232 0-22 96 0 192-116-22-232 0 22-96 0-192z" fill="{a}"/>
      <path d="M200 128v168M96 212h208" stroke="{c}" stroke-width="5" stroke-dasharray="12 9"/><circle cx="200" cy="212" r="16" fill="{d}"/>""",
    "towel": """
      <rect x="72" y="100" width="256" height="15" rx="7" fill="{b}"/><path d="M112 106h118v198H112z" fill="{a}"/><path d="M196 106h92v160h-92z" fill="{c}"/>
      <path d="M112 256h118M112 276h118" stroke="{d}" stroke-width="8"/><path d="M230 226h58" stroke="{b}" stroke-width="8"/>""",
    "apron": """
      <path d="M150 96q50 54 100 0" stroke="{b}" stroke-width="10" fill="none"/><path d="M146 112h108l14 74 42 24-14 108H104L90 210l42-24z" fill="{a}"/>
      <rect x="150" y="224" width="100" height="58" rx="8" fill="{b}"/><path d="M200 224v58" stroke="{c}" stroke-width="5"/><path d="M90 210 56 226M310 210l34 16" stroke="{d}" stroke-width="9"/>""",
    "mitt": """
      <path d="M132 300V170q0-78 62-78t62 78v26q34-26 46 4 0 50-46 74v26z" fill="{a}"/><rect x="122" y="284" width="144" height="36" rx="12" fill="{b}"/>
      <path d="M160 150q34-30 68 0M160 190q34-30 68 0M160 230q34-30 68 0" stroke="{c}" stroke-width="6" fill="none"/><circle cx="280" cy="302" r="10" fill="{d}"/>""",
    "teapot": """
      <path d="M282 190q56-20 58 30 0 50-70 50" stroke="{b}" stroke-width="15" fill="none"/><path d="M124 236q-50-10-64-68l26-8q16 36 50 36z" fill="{b}"/>
      <path d="M112 224q0-80 90-80t90 80q0 92-90 92t-90-92z" fill="{a}"/><path d="M144 152q58-30 116 0z" fill="{b}"/><circle cx="202" cy="122" r="15" fill="{d}"/>
      <path d="M142 204q12-32 42-36" stroke="{c}" stroke-width="9" fill="none" stroke-linecap="round"/>""",
    "strainer": """
      <path d="M118 190h164q0 96-82 96t-82-96z" fill="{a}"/><g fill="{c}"><circle cx="164" cy="216" r="6"/><circle cx="200" cy="216" r="6"/><circle cx="236" cy="216" r="6"/>
      <circle cx="182" cy="242" r="6"/><circle cx="218" cy="242" r="6"/><circle cx="200" cy="264" r="6"/></g>
      <rect x="100" y="176" width="200" height="20" rx="10" fill="{b}"/><path d="M292 186l50-54" stroke="{d}" stroke-width="13" stroke-linecap="round"/>""",
    "bowl": """
      <path d="M72 188h256q0 118-92 126h-72Q72 306 72 188z" fill="{a}"/><ellipse cx="200" cy="188" rx="128" ry="30" fill="{b}"/>
      <ellipse cx="200" cy="191" rx="104" ry="20" fill="{c}"/><path d="M110 236q12 40 50 54" stroke="{d}" stroke-width="7" fill="none" stroke-linecap="round"/>""",
    "servers": """
      <g transform="rotate(14 200 200)"><rect x="146" y="172" width="16" height="144" rx="8" fill="{b}"/><ellipse cx="154" cy="132" rx="36" ry="52" fill="{a}"/></g>
      <g transform="rotate(-14 200 200)"><rect x="238" y="172" width="16" height="144" rx="8" fill="{b}"/><path d="M210 82h14v60h8V82h12v60h8V82h12v60h8V82h10v76q0 26-36 28-36-2-36-28z" fill="{d}"/></g>""",
    "board": """
      <rect x="96" y="148" width="208" height="166" rx="26" fill="{a}"/><rect x="172" y="84" width="56" height="84" rx="26" fill="{a}"/><circle cx="200" cy="112" r="11" fill="{c}"/>
      <path d="M124 196q76-20 152 0M124 236q76-20 152 0M124 276q76-20 152 0" stroke="{b}" stroke-width="5" fill="none"/>""",
    "oil": """
      <rect x="176" y="70" width="48" height="44" rx="8" fill="{b}"/><path d="M178 112h44v34q36 16 36 60v90q0 22-22 22h-72q-22 0-22-22v-90q0-44 36-60z" fill="{a}"/>
      <rect x="142" y="212" width="116" height="66" fill="{c}"/><path d="M200 222q20 24 0 42-20-18 0-42z" fill="{d}"/>""",
    "planter": """
      <path d="M200 204q-8-70-74-84 0 68 74 84zM200 204q4-88 66-108 8 82-66 108zM200 206q-2-60 0-128" fill="{d}" stroke="{b}" stroke-width="4"/>
      <path d="M110 216h180l-22 102H132z" fill="{a}"/><rect x="96" y="200" width="208" height="34" rx="8" fill="{b}"/>
      <path d="M136 254l10 44" stroke="{c}" stroke-width="8" stroke-linecap="round"/>""",
    "saucer": """
      <ellipse cx="200" cy="246" rx="138" ry="52" fill="{b}"/><ellipse cx="200" cy="230" rx="138" ry="52" fill="{a}"/><ellipse cx="200" cy="228" rx="98" ry="33" fill="{c}"/>
      <ellipse cx="200" cy="232" rx="98" ry="29" fill="{a}"/>""",
    "trowel": """
      <rect x="182" y="72" width="36" height="110" rx="18" fill="{d}"/><rect x="190" y="174" width="20" height="44" fill="{b}"/>
      <path d="M146 212h108q14 62-54 110-68-48-54-110z" fill="{a}"/><path d="M200 226v70" stroke="{c}" stroke-width="7" stroke-linecap="round"/>""",
    "seeds": """
      <path d="M116 92h168v226H116z" fill="{a}"/><path d="M116 92h168v40H116z" fill="{b}"/><path d="M116 132l12-10 12 10 12-10 12 10 12-10 12 10 12-10 12 10 12-10 12 10 12-10 12 10 12-10 12 10" stroke="{c}" stroke-width="4" fill="none"/>
      <path d="M200 292v-74M200 250q-42-4-46-42 42 0 46 42zM200 232q42-4 46-42-42 0-46 42z" fill="{d}" stroke="{b}" stroke-width="5"/>""",
    "labels": """
      <g><path d="M110 120h52v140l-26 52-26-52z" fill="{a}"/><path d="M176 100h52v160l-26 58-26-58z" fill="{b}"/><path d="M242 120h52v140l-26 52-26-52z" fill="{a}"/></g>
      <g stroke="{c}" stroke-width="6" stroke-linecap="round"><path d="M136 150v60M202 134v70M268 150v60"/></g>""",
    "can": """
      <path d="M150 164q8-70 74-70t76 84" stroke="{b}" stroke-width="13" fill="none"/><path d="M130 204 62 138l-22 20 84 110z" fill="{b}"/>
      <path d="M34 150l34-30" stroke="{d}" stroke-width="15" stroke-linecap="round"/><path d="M126 164h178l12 154H114z" fill="{a}"/><path d="M122 208h186" stroke="{c}" stroke-width="8"/>""",
    "birds": """
      <path d="M200 72 96 158h208z" fill="{b}"/><rect x="122" y="154" width="156" height="138" fill="{a}"/><circle cx="200" cy="204" r="28" fill="{c}"/>
      <rect x="96" y="288" width="208" height="20" rx="8" fill="{b}"/><path d="M190 250h20v14h-20z" fill="{d}"/><path d="M200 52v22" stroke="{d}" stroke-width="6"/>""",
    "grain": """
      <path d="M128 128q72 26 144 0 34 100 14 178-86 22-172 0-20-78 14-178z" fill="{a}"/><path d="M128 128q-18-26 4-44 68 20 136 0 22 18 4 44-72 26-144 0z" fill="{b}"/>
      <path d="M150 116q50 16 100 0" stroke="{d}" stroke-width="8" fill="none"/><g fill="{c}"><ellipse cx="176" cy="214" rx="9" ry="14"/><ellipse cx="204" cy="238" rx="9" ry="14"/><ellipse cx="230" cy="210" rx="9" ry="14"/></g>""",
    "clock": """
      <circle cx="200" cy="200" r="116" fill="{b}"/><circle cx="200" cy="200" r="94" fill="{c}"/>
      <path d="M200 200v-62M200 200l44 28" stroke="{b}" stroke-width="10" stroke-linecap="round"/><circle cx="200" cy="200" r="10" fill="{d}"/>
      <g stroke="{a}" stroke-width="8"><path d="M200 116v14M200 270v14M116 200h14M270 200h14"/></g>""",
    "heart": """
      <path d="M200 312Q66 220 84 140q14-52 64-48 36 4 52 42 16-38 52-42 50-4 64 48 18 80-116 172z" fill="{a}"/>
      <path d="M118 150q6-26 34-26" stroke="{c}" stroke-width="10" fill="none" stroke-linecap="round"/><path d="M200 134V84" stroke="{d}" stroke-width="6"/>""",
    "frame": """
      <rect x="96" y="84" width="208" height="236" rx="6" fill="{b}"/><rect x="118" y="106" width="164" height="192" fill="{c}"/>
      <path d="M118 298v-44l52-58 44 48 26-26 42 46v34z" fill="{a}"/><circle cx="242" cy="150" r="18" fill="{d}"/>""",
    "jewel": """
      <path d="M112 96q10 130 88 150 78-20 88-150" stroke="{a}" stroke-width="8" fill="none" stroke-dasharray="1 13" stroke-linecap="round"/>
      <path d="M200 238l38 38-38 48-38-48z" fill="{d}"/><path d="M162 276h76" stroke="{c}" stroke-width="5"/>""",
    "box": """
      <rect x="96" y="172" width="208" height="146" rx="8" fill="{a}"/><rect x="82" y="134" width="236" height="50" rx="8" fill="{b}"/><path d="M184 134h32v184h-32z" fill="{d}"/>
      <path d="M200 134q-70-8-58-44 30-22 58 44 28-66 58-44 12 36-58 44z" fill="none" stroke="{d}" stroke-width="11"/>""",
    "card": """
      <path d="M82 132h236v170H82z" fill="{a}"/><path d="M82 132l118 96 118-96z" fill="{b}"/><path d="M82 302l84-100M318 302l-84-100" stroke="{c}" stroke-width="5"/><circle cx="200" cy="218" r="16" fill="{d}"/>""",
    "flower": """
      <path d="M200 204v114M200 270q-40-6-54-40 46-4 54 40z" stroke="{b}" stroke-width="9" fill="{b}"/>
      <g fill="{a}"><circle cx="200" cy="106" r="34"/><circle cx="254" cy="146" r="34"/><circle cx="234" cy="206" r="34"/><circle cx="166" cy="206" r="34"/><circle cx="146" cy="146" r="34"/></g><circle cx="200" cy="162" r="30" fill="{d}"/>""",
    "tree": """
      <path d="M200 72 118 186h40l-56 88h196l-56-88h40z" fill="{a}"/><rect x="184" y="272" width="32" height="48" fill="{b}"/>
      <g fill="{d}"><circle cx="176" cy="176" r="10"/><circle cx="222" cy="216" r="10"/><circle cx="162" cy="246" r="10"/></g><path d="M200 58l6 14 14 2-11 10 3 14-12-8-12 8 3-14-11-10 14-2z" fill="{d}"/>""",
    "vase": """
      <path d="M166 88h68v30q-4 26 22 54 40 44 30 92-10 54-50 54h-72q-40 0-50-54-10-48 30-92 26-28 22-54z" fill="{a}"/>
      <rect x="154" y="78" width="92" height="22" rx="11" fill="{b}"/><path d="M122 232q78 34 156 0" stroke="{c}" stroke-width="10" fill="none"/><path d="M126 262q74 30 148 0" stroke="{d}" stroke-width="5" fill="none"/>""",
}

# fmt: off
WORDS = {
    "tent": "tent", "footprint": "tarp", "tarp": "tarp", "peg": "pegs", "cord": "cord", "twine": "cord", "ribbon": "cord",
    "tape": "cord", "daypack": "pack", "trekking": "pack", "backpack": "pack", "rucksack": "pack", "duffel": "duffel", "tote": "tote",
    "bag": "tote", "shopper": "tote", "dry": "pouch", "cover": "pouch", "wash": "pouch", "cubes": "pouch", "purse": "pouch",
    "case": "pouch", "cushion": "cushion", "sleeping": "sleep", "liner": "sleep", "mat": "mat", "doormat": "mat",
    "pillow": "pillow", "stove": "stove", "pot": "pot", "windshield": "screen", "mug": "mug", "cup": "mug", "cutlery": "cutlery",
    "skillet": "skillet", "scraper": "brush", "brush": "brush", "dripper": "coffee", "filters": "filters", "bottle": "bottle",
    "flask": "bottle", "headlamp": "headlamp", "lantern": "lamp", "lamp": "lamp", "light": "lights", "lights": "lights",
    "battery": "battery", "candle": "candle", "candles": "candle", "holder": "candle", "trimmer": "scissors",
    "scissors": "scissors", "matches": "matches", "layer": "jacket", "pullover": "jacket", "shell": "jacket",
    "proofer": "oil", "beanie": "beanie", "warmer": "scarf", "scarf": "scarf", "gloves": "gloves", "boots": "boot",
    "clogs": "clog", "slippers": "clog", "socks": "sock", "stocking": "sock", "wax": "tin", "tin": "tin", "tins": "tin",
    "gaiters": "boot", "throw": "blanket", "blanket": "blanket", "towel": "towel", "apron": "apron", "mitt": "mitt",
    "teapot": "teapot", "strainer": "strainer", "bowl": "bowl", "plate": "saucer", "servers": "servers", "board": "board",
    "oil": "oil", "planter": "planter", "saucer": "saucer", "trowel": "trowel", "seed": "seeds", "labels": "labels",
    "can": "can", "feeder": "birds", "house": "birds", "bird": "birds", "mix": "grain", "clock": "clock", "heart": "heart",
    "frame": "frame", "sign": "frame", "mirror": "frame", "necklace": "jewel", "bracelet": "jewel", "earrings": "jewel",
    "ring": "jewel", "charm": "jewel", "box": "box", "drawer": "box", "gift": "box", "card": "card", "cards": "card",
    "wrap": "card", "flower": "flower", "rose": "flower", "decoration": "tree", "tree": "tree", "christmas": "tree",
    "garland": "lights", "jar": "vase", "vase": "vase", "jug": "vase", "cakestand": "bowl", "cake": "bowl", "stand": "bowl",
}
PHRASES = {"bird seed": "grain", "rain cover": "pouch", "cushion cover": "cushion", "tea towel": "towel",
           "dry bag": "pouch", "sleeping bag": "sleep", "wash bag": "pouch", "bottle brush": "brush", "oven mitt": "mitt",
           "packing cubes": "pouch", "seed collection": "seeds", "peg set": "pegs", "cutlery set": "cutlery",
           "hot water": "bottle", "t-light": "candle", "planter saucer": "saucer", "paper filters": "filters"}
# fmt: on
PALETTES = (
    # background, main, dark, light, accent
    ("#eef1ea", "#5f7f66", "#35513f", "#c9d8c4", "#d9a441"),
    ("#f6ede2", "#c27a4e", "#7f4527", "#f0cfae", "#4f6d5c"),
    ("#e9eff4", "#5b7f9c", "#2f4d66", "#c4d8e6", "#e0a458"),
    ("#f5ecec", "#a65a5a", "#6d3238", "#ecc9c3", "#d8a94f"),
    ("#f3efe4", "#b79b5b", "#73602f", "#ece0b8", "#5f7a6b"),
    ("#efecf3", "#7d6b99", "#4a3d66", "#d6cce6", "#dc9f6a"),
    ("#e8f1f0", "#4f8a88", "#28575a", "#bfdcd8", "#e3a15b"),
    ("#f2efec", "#86796d", "#4c433b", "#d9cfc5", "#c46f4a"),
)
