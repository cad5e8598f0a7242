"""Words that are never a misspelt medicine: English, the trade's own, and medicines that the pharmacy doesn't carry."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

COMMON = 1_000_000  # a word seen this often in the frequency list may be what was meant

TRADE = frozenset(
    re.findall(
        r"\w+",
        """
    copay copays coinsurance deductible formulary prior auth refill refills rx meds generics autofill autorefill
    fernhollow fedex usps dhl ups ontrac lasership walgreens walmart costco kroger publix safeway albertsons riteaid
    medicare medicaid tricare goodrx aetna cigna humana anthem kaiser optum optumrx caremark unitedhealthcare
    centene molina ambetter bluecross healthnet wellcare express paypal venmo zelle visa mastercard amex fsa hsa
    iphone android gmail hotmail yahoo icloud wifi login signup chatbot app apps webpage covid
    perscription perscriptions prescripton presciption presription pharmasist pharmicist pharmacys
    recieve recieved recieving adress adresses seperate definately definitly insurence insurrance delivry deliverd
    tommorow tomorow tommorrow yesturday shiping shippment traking pacakge packge custommer acount accout cancle
    cancell canceled cancelling becuase wich thier alot gonna wanna gotta lemme kinda dunno thankyou goodmorning
    expidite expidited avaliable availible whats wheres hows thats doesnt isnt wasnt havent hasnt didnt wont cant
    couldnt wouldnt shouldnt arent werent theyre youre
    theater center color favorite neighbor honor macular glaucoma
    celeste clarissa larissa melissa vanessa jessica monica veronica camille cecilia cynthia sylvia lydia alexis
    alexa valentina valeria adriana ariana brianna tatiana miranda amanda marissa carissa denise darius marcus adair
    """,
    )
)
OTHER_MEDICINES = frozenset(
    re.findall(
        r"\w+",
        """
    adderall vyvanse concerta ritalin focalin methylphenidate dexmethylphenidate lisdexamfetamine amphetamine
    dextroamphetamine methamphetamine oxycodone oxycontin percocet roxicodone hydrocodone vicodin norco lortab
    hydromorphone dilaudid morphine fentanyl duragesic methadone tapentadol nucynta oxymorphone meperidine demerol
    fosinopril captopril perindopril trandolapril moexipril azilsartan eprosartan felodipine nisoldipine isradipine
    nicardipine nadolol pindolol timoptol labetalol acebutolol betaxolol metolazone indapamide amiloride eplerenone
    pitavastatin fluvastatin livalo niacin colesevelam cholestyramine colestipol edoxaban savaysa enoxaparin lovenox
    heparin dipyridamole naratriptan zolmitriptan almotriptan frovatriptan atogepant qulipta fremanezumab ajovy
    cefdinir cefuroxime cefixime ceftriaxone cefadroxil cefpodoxime ampicillin dicloxacillin clarithromycin
    tetracycline ofloxacin linezolid vancomycin tinidazole nystatin itraconazole voriconazole
    griseofulvin famciclovir remdesivir paxlovid nirmatrelvir molnupiravir baloxavir efavirenz abacavir lamivudine
    zidovudine darunavir raltegravir ketoprofen indomethacin piroxicam nabumetone oxaprozin sulindac flurbiprofen
    diflunisal salsalate chlorpromazine haloperidol fluphenazine perphenazine thioridazine thiothixene
    clozapine paliperidone iloperidone asenapine brexpiprazole rexulti cariprazine vraylar lumateperone caplyta
    imipramine desipramine clomipramine protriptyline trimipramine nefazodone phenelzine tranylcypromine selegiline
    esketamine levomilnacipran chlordiazepoxide oxazepam clorazepate estazolam triazolam flurazepam zaleplon
    primidone ethosuximide felbamate tiagabine vigabatrin perampanel rufinamide eslicarbazepine valproate valproic
    metaxalone orphenadrine chlorzoxazone dantrolene nateglinide saxagliptin alogliptin ertugliflozin
    bexagliflozin exenatide lixisenatide rosiglitazone miglitol tolbutamide chlorpropamide pramlintide afrezza
    nizatidine cimetidine ranitidine zantac bismuth loperamide imodium bisacodyl senna docusate simethicone
    prucalopride tegaserod diphenhydramine benadryl chlorpheniramine pseudoephedrine phenylephrine guaifenesin
    dextromethorphan mucinex sudafed robitussin delsym zafirlukast theophylline zileuton omalizumab mepolizumab
    benralizumab tezepelumab aclidinium glycopyrrolate arformoterol salmeterol formoterol indacaterol olodaterol
    ciclesonide flunisolide fluocinonide betamethasone halobetasol desonide pimecrolimus crisaborole ruxolitinib
    baricitinib ustekinumab risankizumab guselkumab ixekizumab infliximab rituximab tocilizumab certolizumab
    vardenafil avanafil levitra silodosin fesoterodine trospium darifenacin vibegron bethanechol flavoxate
    galantamine tacrine amantadine benztropine trihexyphenidyl entacapone opicapone safinamide apomorphine
    zoledronic denosumab prolia abaloparatide romosozumab etidronate propylthiouracil desiccated armour
    cortisone fludrocortisone ergotamine lasmiditan capsaicin melatonin biotin turmeric glucosamine
    collagen magnesium calcium zinc multivitamin ashwagandha berberine probiotics keytruda imatinib capecitabine
    """,
    )
)


@cache
def frequencies() -> dict[str, int]:
    """English words and how often each was seen (the list that symspellpy carries)."""
    lines = (files("symspellpy") / "frequency_dictionary_en_82_765.txt").read_text(encoding="utf-8-sig").splitlines()
    return {word: int(count) for word, _, count in (line.partition(" ") for line in lines)}


@cache
def english() -> frozenset[str]:
    """Words that need no mending, whatever medicine they look like."""
    return frozenset(frequencies()) | TRADE | OTHER_MEDICINES


@cache
def common() -> dict[str, tuple[str, ...]]:
    """The common English words by their first letter."""
    found: dict[str, list[str]] = {}
    for word, count in frequencies().items():
        if count > COMMON and len(word) > 3:
            found.setdefault(word[0], []).append(word)
    return {letter: tuple(words) for letter, words in found.items()}
