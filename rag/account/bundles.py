"""Which medicines people take together, for generated data: a condition and what is usually prescribed for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bundle:
    """Each pick is a probability and the ids of which one is taken; `sex` limits who gets it."""

    weight: int
    picks: tuple[tuple[float, str], ...]
    sex: str = ""  # "f", "m" or either


BUNDLES = (
    Bundle(
        14,
        (
            (1, "lisinopril losartan valsartan olmesartan benazepril"),
            (0.5, "amlodipine hydrochlorothiazide chlorthalidone metoprolol-succinate"),
            (0.5, "atorvastatin rosuvastatin simvastatin pravastatin"),
        ),
    ),
    Bundle(
        12,
        (
            (1, "metformin"),
            (0.35, "glipizide glimepiride sitagliptin pioglitazone"),
            (0.4, "empagliflozin dapagliflozin"),
            (0.4, "semaglutide tirzepatide dulaglutide"),
            (0.5, "atorvastatin rosuvastatin"),
            (0.4, "lisinopril losartan"),
        ),
    ),
    Bundle(
        4,
        (
            (1, "insulin-glargine insulin-degludec insulin-detemir"),
            (1, "insulin-lispro insulin-aspart"),
            (0.25, "glucagon"),
        ),
    ),
    Bundle(5, ((1, "semaglutide tirzepatide liraglutide"),)),
    Bundle(2, ((1, "phentermine naltrexone-and-bupropion"),)),
    Bundle(9, ((1, "levothyroxine"), (0.1, "liothyronine"))),
    Bundle(
        8, ((1, "atorvastatin rosuvastatin simvastatin pravastatin"), (0.3, "ezetimibe fenofibrate icosapent-ethyl"))
    ),
    Bundle(
        5,
        (
            (1, "apixaban rivaroxaban warfarin"),
            (0.9, "metoprolol-succinate diltiazem sotalol"),
            (0.3, "flecainide amiodarone digoxin"),
        ),
    ),
    Bundle(
        3,
        (
            (1, "furosemide torsemide bumetanide"),
            (1, "carvedilol metoprolol-succinate"),
            (0.6, "sacubitril-and-valsartan"),
            (0.6, "spironolactone"),
            (0.5, "potassium-chloride"),
        ),
    ),
    Bundle(
        3,
        (
            (1, "clopidogrel ticagrelor"),
            (0.8, "aspirin"),
            (1, "atorvastatin rosuvastatin"),
            (0.6, "nitroglycerin"),
            (0.4, "isosorbide-mononitrate ranolazine"),
        ),
    ),
    Bundle(
        10,
        (
            (1, "sertraline escitalopram fluoxetine bupropion venlafaxine duloxetine citalopram"),
            (0.3, "trazodone buspirone hydroxyzine mirtazapine"),
            (0.12, "alprazolam lorazepam clonazepam"),
        ),
    ),
    Bundle(3, ((1, "lamotrigine lithium quetiapine aripiprazole"), (0.4, "olanzapine lurasidone risperidone"))),
    Bundle(3, ((1, "atomoxetine guanfacine viloxazine"),)),
    Bundle(3, ((1, "zolpidem eszopiclone trazodone suvorexant ramelteon doxepin"),)),
    Bundle(
        8,
        (
            (1, "albuterol"),
            (0.7, "fluticasone-and-salmeterol budesonide-and-formoterol fluticasone-inhaler beclomethasone"),
            (0.5, "montelukast"),
            (0.3, "fluticasone-nasal-spray"),
        ),
    ),
    Bundle(
        3,
        (
            (1, "tiotropium umeclidinium fluticasone-umeclidinium-and-vilanterol"),
            (0.9, "albuterol ipratropium-and-albuterol"),
            (0.2, "prednisone"),
        ),
    ),
    Bundle(
        5,
        (
            (1, "cetirizine levocetirizine fexofenadine loratadine"),
            (0.6, "fluticasone-nasal-spray mometasone-nasal-spray azelastine-nasal-spray"),
            (0.2, "olopatadine"),
            (0.2, "epinephrine"),
        ),
    ),
    Bundle(7, ((1, "omeprazole pantoprazole esomeprazole famotidine lansoprazole"), (0.1, "sucralfate"))),
    Bundle(3, ((1, "latanoprost"), (0.4, "timolol dorzolamide-and-timolol brimonidine"))),
    Bundle(2, ((1, "cyclosporine-eye-drops lifitegrast"),)),
    Bundle(
        3,
        (
            (1, "adalimumab etanercept methotrexate hydroxychloroquine"),
            (0.5, "folic-acid"),
            (0.3, "prednisone"),
            (0.3, "celecoxib meloxicam"),
        ),
    ),
    Bundle(2, ((1, "dupilumab triamcinolone-cream tacrolimus-ointment"), (0.4, "mometasone-cream hydroxyzine"))),
    Bundle(2, ((1, "secukinumab apremilast"), (0.6, "clobetasol"))),
    Bundle(
        5,
        (
            (1, "gabapentin pregabalin duloxetine"),
            (0.4, "meloxicam naproxen celecoxib"),
            (0.3, "cyclobenzaprine tizanidine baclofen"),
            (0.15, "tramadol lidocaine-patch"),
        ),
    ),
    Bundle(
        4,
        (
            (1, "sumatriptan rizatriptan"),
            (0.6, "topiramate propranolol amitriptyline galcanezumab erenumab"),
            (0.2, "ondansetron rimegepant ubrogepant"),
        ),
    ),
    Bundle(3, ((1, "levetiracetam lamotrigine lacosamide oxcarbazepine divalproex"), (0.2, "clobazam"))),
    Bundle(3, ((1, "allopurinol febuxostat"), (0.6, "colchicine"))),
    Bundle(
        3,
        (
            (1, "tretinoin adapalene"),
            (0.5, "doxycycline minocycline"),
            (0.4, "clindamycin-gel benzoyl-peroxide-and-clindamycin"),
        ),
    ),
    Bundle(3, ((1, "alendronate risedronate raloxifene teriparatide"), (0.5, "ergocalciferol"))),
    Bundle(
        6,
        (
            (
                1,
                "ethinyl-estradiol-and-norgestimate ethinyl-estradiol-and-levonorgestrel norethindrone "
                "ethinyl-estradiol-and-drospirenone ethinyl-estradiol-and-etonogestrel",
            ),
        ),
        "f",
    ),
    Bundle(4, ((1, "estradiol estradiol-patch"), (0.7, "progesterone medroxyprogesterone")), "f"),
    Bundle(2, ((1, "anastrozole letrozole tamoxifen"),), "f"),
    Bundle(5, ((1, "tamsulosin alfuzosin"), (0.4, "finasteride dutasteride")), "m"),
    Bundle(4, ((1, "sildenafil tadalafil"),), "m"),
    Bundle(2, ((1, "testosterone-gel testosterone-cypionate"),), "m"),
    Bundle(2, ((1, "oxybutynin solifenacin mirabegron"),)),
    Bundle(2, ((1, "emtricitabine-and-tenofovir"),)),
    Bundle(1, ((1, "bictegravir-emtricitabine-and-tenofovir"),)),
    Bundle(2, ((1, "donepezil"), (0.6, "memantine"))),
    Bundle(2, ((1, "carbidopa-and-levodopa"), (0.5, "pramipexole ropinirole rasagiline"))),
    Bundle(2, ((1, "buprenorphine-and-naloxone"), (0.5, "naloxone"))),
    Bundle(2, ((1, "valacyclovir acyclovir"),)),
    Bundle(2, ((1, "mesalamine sulfasalazine"), (0.3, "budesonide-capsule"))),
    Bundle(2, ((1, "linaclotide dicyclomine"),)),
    Bundle(2, ((1, "varenicline bupropion-sr-for-smoking"),)),
    Bundle(3, ((1, "amoxicillin azithromycin cephalexin nitrofurantoin amoxicillin-and-clavulanate"),)),
)
