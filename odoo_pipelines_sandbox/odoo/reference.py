"""Reference data of a new Odoo 19, in its order, so that ids are the same: countries, currencies, languages."""

from __future__ import annotations

# Code, calling code, name.
_COUNTRIES = """
AD 376 Andorra; AE 971 United Arab Emirates; AF 93 Afghanistan; AG 1268 Antigua and Barbuda; AI 1264 Anguilla; AL
355 Albania; AM 374 Armenia; AO 244 Angola; AQ 672 Antarctica; AR 54 Argentina; AS 1684 American Samoa; AT 43
Austria; AU 61 Australia; AW 297 Aruba; AX 358 Åland Islands; AZ 994 Azerbaijan; BA 387 Bosnia and Herzegovina; BB
1246 Barbados; BD 880 Bangladesh; BE 32 Belgium; BF 226 Burkina Faso; BG 359 Bulgaria; BH 973 Bahrain; BI 257
Burundi; BJ 229 Benin; BL 590 Saint Barthélémy; BM 1441 Bermuda; BN 673 Brunei Darussalam; BO 591 Bolivia; BQ 599
Bonaire, Sint Eustatius and Saba; BR 55 Brazil; BS 1242 Bahamas; BT 975 Bhutan; BV 55 Bouvet Island; BW 267
Botswana; BY 375 Belarus; BZ 501 Belize; CA 1 Canada; CC 61 Cocos (Keeling) Islands; CF 236 Central African
Republic; CD 243 Congo (DRC); CG 242 Congo (Republic); CH 41 Switzerland; CI 225 Côte d'Ivoire; CK 682 Cook Islands;
CL 56 Chile; CM 237 Cameroon; CN 86 China; CO 57 Colombia; CR 506 Costa Rica; CU 53 Cuba; CV 238 Cape Verde; CW 599
Curaçao; CX 61 Christmas Island; CY 357 Cyprus; CZ 420 Czech Republic; DE 49 Germany; DJ 253 Djibouti; DK 45
Denmark; DM 1767 Dominica; DO 1849 Dominican Republic; DZ 213 Algeria; EC 593 Ecuador; EE 372 Estonia; EG 20 Egypt;
EH 212 Western Sahara; ER 291 Eritrea; ES 34 Spain; ET 251 Ethiopia; FI 358 Finland; FJ 679 Fiji; FK 500 Falkland
Islands; FM 691 Micronesia; FO 298 Faroe Islands; FR 33 France; GA 241 Gabon; GD 1473 Grenada; GE 995 Georgia; GF
594 French Guiana; GH 233 Ghana; GI 350 Gibraltar; GG 44 Guernsey; GL 299 Greenland; GM 220 Gambia; GN 224 Guinea;
GP 590 Guadeloupe; GQ 240 Equatorial Guinea; GR 30 Greece; GS 500 South Georgia and the South Sandwich Islands; GT
502 Guatemala; GU 1671 Guam; GW 245 Guinea-Bissau; GY 592 Guyana; HK 852 Hong Kong; HM 672 Heard Island and McDonald
Islands; HN 504 Honduras; HR 385 Croatia; HT 509 Haiti; HU 36 Hungary; ID 62 Indonesia; IE 353 Ireland; IL 972
Israel; IM 44 Isle of Man; IN 91 India; IO 246 British Indian Ocean Territory; IQ 964 Iraq; IR 98 Iran; IS 354
Iceland; IT 39 Italy; JE 44 Jersey; JM 1876 Jamaica; JO 962 Jordan; JP 81 Japan; KE 254 Kenya; KG 996 Kyrgyzstan; KH
855 Cambodia; KI 686 Kiribati; KM 269 Comoros; KN 1869 Saint Kitts and Nevis; KP 850 North Korea; KR 82 South Korea;
KW 965 Kuwait; KY 1345 Cayman Islands; KZ 7 Kazakhstan; LA 856 Laos; LB 961 Lebanon; LC 1758 Saint Lucia; LI 423
Liechtenstein; LK 94 Sri Lanka; LR 231 Liberia; LS 266 Lesotho; LT 370 Lithuania; LU 352 Luxembourg; LV 371 Latvia;
LY 218 Libya; MA 212 Morocco; MC 377 Monaco; MD 373 Moldova; ME 382 Montenegro; MF 590 Saint Martin (French part);
MG 261 Madagascar; MH 692 Marshall Islands; MK 389 North Macedonia; ML 223 Mali; MM 95 Myanmar; MN 976 Mongolia; MO
853 Macau; MP 1670 Northern Mariana Islands; MQ 596 Martinique; MR 222 Mauritania; MS 1664 Montserrat; MT 356 Malta;
MU 230 Mauritius; MV 960 Maldives; MW 265 Malawi; MX 52 Mexico; MY 60 Malaysia; MZ 258 Mozambique; NA 264 Namibia;
NC 687 New Caledonia; NE 227 Niger; NF 672 Norfolk Island; NG 234 Nigeria; NI 505 Nicaragua; NL 31 Netherlands; NO
47 Norway; NP 977 Nepal; NR 674 Nauru; NU 683 Niue; NZ 64 New Zealand; OM 968 Oman; PA 507 Panama; PE 51 Peru; PF
689 French Polynesia; PG 675 Papua New Guinea; PH 63 Philippines; PK 92 Pakistan; PL 48 Poland; PM 508 Saint Pierre
and Miquelon; PN 64 Pitcairn Islands; PR 1939 Puerto Rico; PS 970 State of Palestine; PT 351 Portugal; PW 680 Palau;
PY 595 Paraguay; QA 974 Qatar; RE 262 Réunion; RO 40 Romania; RS 381 Serbia; RU 7 Russian Federation; RW 250 Rwanda;
SA 966 Saudi Arabia; SB 677 Solomon Islands; SC 248 Seychelles; SD 249 Sudan; SE 46 Sweden; SG 65 Singapore; SH 290
Saint Helena, Ascension and Tristan da Cunha; SI 386 Slovenia; SJ 47 Svalbard and Jan Mayen; SK 421 Slovakia; SL 232
Sierra Leone; SM 378 San Marino; SN 221 Senegal; SO 252 Somalia; SR 597 Suriname; SS 211 South Sudan; ST 239 São
Tomé and Príncipe; SV 503 El Salvador; SX 1721 Sint Maarten (Dutch part); SY 963 Syria; SZ 268 Eswatini; TC 1649
Turks and Caicos Islands; TD 235 Chad; TF 262 French Southern Territories; TG 228 Togo; TH 66 Thailand; TJ 992
Tajikistan; TK 690 Tokelau; TM 993 Turkmenistan; TN 216 Tunisia; TO 676 Tonga; TL 670 Timor-Leste; TR 90 Türkiye; TT
1868 Trinidad and Tobago; TV 688 Tuvalu; TW 886 Taiwan; TZ 255 Tanzania; UA 380 Ukraine; UG 256 Uganda; GB 44 United
Kingdom; UM 699 USA Minor Outlying Islands; US 1 United States; UY 598 Uruguay; UZ 998 Uzbekistan; VA 379 Holy See
(Vatican City State); VC 1784 Saint Vincent and the Grenadines; VE 58 Venezuela; VG 1284 Virgin Islands (British);
VI 1340 Virgin Islands (USA); VN 84 Vietnam; VU 678 Vanuatu; WF 681 Wallis and Futuna; WS 685 Samoa; YE 967 Yemen;
YT 262 Mayotte; ZA 27 South Africa; ZM 260 Zambia; ZW 263 Zimbabwe; XI 44 Northern Ireland; XK 383 Kosovo
"""

_CURRENCIES = """
USD VEF CAD CHF BRL CNY CNH COP CZK DKK HUF IDR LVL NOK XPF PAB PLN SEK ARS INR AUD UAH VND HKD JPY BGN LTL RON HRK
RUB TRY KRW MXN MYR NZD PHP SGD ZAR CRC MUR XOF XAF UGX HNL CLP UYU AFN AOA XCD AMD AWG AZN BSD BHD BDT BBD BYR BYN
BZD BMD BTN BOB BAM BWP BIF KHR KYD KMF CDF CUP ANG XCG DJF DOP EGP SVC ERN ETB FKP FJD GEL GIP GNF GYD HTG ISK IRR
IQD ILS JMD JOD KZT KES KWD KGS LAK LBP LSL LRD LYD MOP MKD MGA MWK MVR MRO MRU MDL MNT MAD BND DZD GHS GMD MZN MMK
NAD NPR ALL NIO NGN KPW ZIG ZMW YER EUR VUV UZS AED TMT TND TTD TOP THB TZS TJS TWD SYP SZL SRD SDG LKR SSP GBP SOS
SBD SLL SLE SCR RSD SAR STD WST SHP RWF QAR PEN PYG PGK PKR OMR CVE COU CLF CUC GTQ VES UYW UYI STN
"""
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
_ROUNDINGS = {
    1.0: "XPF VND JPY KRW XOF XAF UGX CLP BYR BIF KMF DJF GNF ISK VUV TWD RWF PYG",
    0.001: "BHD IQD JOD KWD LYD TND OMR",
    0.0001: "CLF UYW UYI",
}

# Locale, ISO code, URL code, name.
_LANGUAGES = """
en_US en en English (US); am_ET am_ET am_ET Amharic / አምሃርኛ; ar_001 ar ar Arabic / الْعَرَبيّة;
ar_SY ar_SY ar_SY Arabic (Syria) / الْعَرَبيّة; az_AZ az az Azerbaijani / Azərbaycanca; eu_ES eu_ES
eu_ES Basque / Euskara; be_BY be be Belarusian / Беларуская мова; bn_IN bn_IN bn_IN Bengali / বাংলা;
bs_BA bs bs Bosnian / bosanski jezik; bg_BG bg bg Bulgarian / български език; ca_ES ca_ES ca_ES
Catalan / Català; zh_CN zh_CN zh_CN Chinese, Simplified / 简体中文; zh_HK zh_HK zh_HK Chinese,
Traditional (HK) / 繁體中文 (香港); zh_TW zh_TW zh_TW Chinese, Traditional (TW) / 繁體中文 (台灣); hr_HR hr hr
Croatian / hrvatski jezik; cs_CZ cs_CZ cs_CZ Czech / Čeština; da_DK da_DK da_DK Danish / Dansk;
nl_BE nl_BE nl_BE Dutch (BE) / Nederlands (BE); nl_NL nl nl Dutch / Nederlands; en_AU en_AU en_AU
English (AU); en_CA en_CA en_CA English (CA); en_GB en_GB en_GB English (UK); en_IN en_IN en_IN
English (IN); en_NZ en_NZ en_NZ English (NZ); et_EE et et Estonian / Eesti keel; fi_FI fi fi Finnish
/ Suomi; fr_BE fr_BE fr_BE French (BE) / Français (BE); fr_CA fr_CA fr_CA French (CA) / Français
(CA); fr_CH fr_CH fr_CH French (CH) / Français (CH); fr_FR fr fr French / Français; gl_ES gl gl
Galician / Galego; ka_GE ka ka Georgian / ქართული ენა; de_DE de de German / Deutsch; de_CH de_CH
de_CH German (CH) / Deutsch (CH); el_GR el_GR el_GR Greek / Ελληνικά; gu_IN gu gu Gujarati /
ગુજરાતી; he_IL he he Hebrew / עברית; hi_IN hi hi Hindi / हिंदी; hu_HU hu hu Hungarian / Magyar;
id_ID id id Indonesian / Bahasa Indonesia; it_IT it it Italian / Italiano; ja_JP ja ja Japanese /
日本語; kab_DZ kab kab Kabyle / Taqbaylit; km_KH km km Khmer / ភាសាខ្មែរ; ko_KP ko_KP ko_KP Korean (KP)
/ 한국어 (KP); ko_KR ko_KR ko_KR Korean (KR) / 한국어 (KR); lo_LA lo lo Lao / ພາສາລາວ; lv_LV lv lv Latvian
/ latviešu valoda; lt_LT lt lt Lithuanian / Lietuvių kalba; lb_LU lb lb Luxembourgish; mk_MK mk mk
Macedonian / македонски јазик; ml_IN ml ml Malayalam / മലയാളം; mn_MN mn mn Mongolian / монгол; ms_MY
ms ms Malay / Bahasa Melayu; my_MM my mya Burmese / ဗမာစာ; nb_NO nb_NO nb_NO Norwegian Bokmål /
Norsk bokmål; fa_IR fa fa Persian / فارسی; pl_PL pl pl Polish / Język polski; pt_AO pt_AO pt_AO
Portuguese (AO) / Português (AO); pt_BR pt_BR pt_BR Portuguese (BR) / Português (BR); pt_PT pt pt
Portuguese / Português; ro_RO ro ro Romanian / română; ru_RU ru ru Russian / русский язык; sr@Cyrl
sr@Cyrl sr@Cyrl Serbian (Cyrillic) / српски; sr@latin sr@latin sr@latin Serbian (Latin) / srpski;
sk_SK sk sk Slovak / Slovenský jazyk; sl_SI sl sl Slovenian / slovenščina; es_419 es_419 es Spanish
(Latin America) / Español (América Latina); es_AR es_AR es_AR Spanish (AR) / Español (AR); es_BO
es_BO es_BO Spanish (BO) / Español (BO); es_CL es_CL es_CL Spanish (CL) / Español (CL); es_CO es_CO
es_CO Spanish (CO) / Español (CO); es_CR es_CR es_CR Spanish (CR) / Español (CR); es_DO es_DO es_DO
Spanish (DO) / Español (DO); es_EC es_EC es_EC Spanish (EC) / Español (EC); es_GT es_GT es_GT
Spanish (GT) / Español (GT); es_MX es_MX es_MX Spanish (MX) / Español (MX); es_PA es_PA es_PA
Spanish (PA) / Español (PA); es_PE es_PE es_PE Spanish (PE) / Español (PE); es_PY es_PY es_PY
Spanish (PY) / Español (PY); es_UY es_UY es_UY Spanish (UY) / Español (UY); es_VE es_VE es_VE
Spanish (VE) / Español (VE); es_ES es es_ES Spanish / Español; sw sw sw Swahili / Kiswahili; sv_SE
sv sv Swedish / Svenska; th_TH th th Thai / ภาษาไทย; tl_PH tl tl Tagalog / Filipino; tr_TR tr tr
Turkish / Türkçe; uk_UA uk uk Ukrainian / українська; vi_VN vi vi Vietnamese / Tiếng Việt; sq_AL sq
sq Albanian / Shqip; te_IN te te Telugu / తెలుగు
"""


def countries() -> list[dict[str, object]]:
    """Rows of res.country."""
    entries = (entry.split(maxsplit=2) for entry in _split(_COUNTRIES))
    return [{"code": code, "phone_code": int(calling), "name": name} for code, calling, name in entries]


def currencies() -> list[dict[str, object]]:
    """Rows of res.currency; only the company's is active."""
    roundings = {code: step for step, codes in _ROUNDINGS.items() for code in codes.split()}
    return [
        {
            "name": code,
            "symbol": _SYMBOLS.get(code, code),
            "rounding": roundings.get(code, 0.01),
            "active": code == "USD",
        }
        for code in _CURRENCIES.split()
    ]


def languages() -> list[dict[str, object]]:
    """Rows of res.lang; only English is active."""
    entries = (entry.split(maxsplit=3) for entry in _split(_LANGUAGES))
    return [
        {"code": code, "iso_code": iso, "url_code": url, "name": name, "active": code == "en_US"}
        for code, iso, url, name in entries
    ]


def _split(table: str) -> list[str]:
    return [" ".join(entry.split()) for entry in table.split(";")]
