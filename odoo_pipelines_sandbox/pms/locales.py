"""Names, addresses and telephone numbers by country: invented, in several scripts, valid in form."""

from __future__ import annotations

from dataclasses import dataclass

NUMBER = "#"
"""Stands for one digit in patterns of telephone numbers and streets."""


@dataclass(frozen=True, slots=True)
class Locale:
    """One country.

    Attributes:
        country: ISO 3166-1 alpha-2.
        languages: as guests state them.
        given: first names.
        family: last names.
        streets: patterns.
        cities: city and postal code.
        dial: country calling code.
        trunk: what precedes a number that is dialled within the country.
        phones: patterns of valid mobile numbers, without the trunk prefix.
    """

    country: str
    languages: tuple[str, ...]
    given: tuple[str, ...]
    family: tuple[str, ...]
    streets: tuple[str, ...]
    cities: tuple[tuple[str, str], ...]
    dial: str
    trunk: str
    phones: tuple[str, ...]


def _locale(*columns: str) -> Locale:
    country, languages, given, family, streets, cities, dial, trunk, phones = columns
    pairs = [entry.partition(":") for entry in cities.split("|")]
    return Locale(
        country,
        tuple(languages.split()),
        tuple(given.split()),
        tuple(family.split("|")),
        tuple(streets.split("|")),
        tuple((city, postal_code) for city, _, postal_code in pairs),
        dial,
        trunk,
        tuple(phones.split("|")),
    )


LOCALES: tuple[Locale, ...] = (
    _locale(
        "US",
        "en en en-US es",
        "Avery Jordan Riley Morgan Casey Quinn Harper Rowan",
        "Whitfield|Okonkwo|O'Malley|Castellan|Van der Berg|Brightwater|Smith-Larkin|Ashdown",
        "## Juniper Street|### Lakeview Avenue|#### Old Mill Road",
        "Springfield:62704|Portland:97205|Austin:78701|Burlington:05401",
        "1",
        "",
        "(415) 2##-####|(212) 6##-####|(503) 4##-####|(617) 3##-####",
    ),
    _locale(
        "GB",
        "en en-GB",
        "Imogen Rupert Saoirse Alistair Beatrix Callum",
        "Thistlewood|Ní Bhriain|MacAllister|Pemberton|Featherstone",
        "# Rose Lane|## Harbour Terrace|## St Mary's Close",
        "Bristol:BS1 4DJ|Leeds:LS2 7EW|Cardiff:CF10 1EP",
        "44",
        "0",
        "7400 ######|7450 ######|7501 ######",
    ),
    _locale(
        "FR",
        "fr fr-FR",
        "Élodie Gaëtan Maëlle Théo Noémie François",
        "Lefèvre|Dubreuil|D'Aubigny|Garçon|Bérénger",
        "## rue des Écluses|# place de l'Église|### boulevard Saint-Éloi",
        "Lyon:69002|Nîmes:30000|Orléans:45000",
        "33",
        "0",
        "6 12 ## ## ##|6 34 ## ## ##",
    ),
    _locale(
        "DE",
        "de de-DE",
        "Jürgen Käthe Sören Änne Björn Liesel",
        "Großmann|Müller-Lüdenscheidt|Schäfer|von Öttingen|Weiß",
        "Gänsemarkt #|Königstraße ##|Am Mühlbach #",
        "Köln:50667|Würzburg:97070|Lübeck:23552",
        "49",
        "0",
        "151 2#######",
    ),
    _locale(
        "PT",
        "pt pt-PT",
        "João Inês Gonçalo Conceição Simão",
        "Guimarães|Conceição|Brandão|Esteves",
        "Rua da Alfândega, ##|Avenida da Liberdade, ###",
        "Lisboa:1100-016|Évora:7000-508",
        "351",
        "",
        "912 ### ###",
    ),
    _locale(
        "BR",
        "pt-BR",
        "Antônio Luísa Caetano Iara Thaís",
        "Araújo|Assunção|Magalhães|Falcão",
        "Rua das Acácias, ###|Alameda Santos, ####",
        "São Paulo:01418-100|Florianópolis:88010-400",
        "55",
        "",
        "(11) 9####-####|(48) 98###-####",
    ),
    _locale(
        "ES",
        "es es-ES ca",
        "Íñigo Begoña Martín Núria Álvaro",
        "Ibáñez|Muñoz|Peñalver|Güell",
        "Calle Mayor, ##|Carrer de l'Àngel, #",
        "Cádiz:11001|Málaga:29015|Girona:17001",
        "34",
        "",
        "612 ### ###",
    ),
    _locale(
        "IT",
        "it",
        "Niccolò Chiara Ludovica Tommaso",
        "D'Angelo|Fabbri|Nicolò|De Santis",
        "Via dell'Orto, ##|Piazza della Libertà, #",
        "Forlì:47121|Bologna:40121",
        "39",
        "",
        "347 ### ####",
    ),
    _locale(
        "PL",
        "pl",
        "Łukasz Zofia Małgorzata Wojciech",
        "Wiśniewska|Dąbek|Żółtowski|Kościelny",
        "ul. Świętojańska ##|ul. Długa #",
        "Łódź:90-001|Gdańsk:80-831",
        "48",
        "",
        "512 ### ###",
    ),
    _locale(
        "GR",
        "el",
        "Ελένη Νίκος Δήμητρα Θανάσης",
        "Παπαδάκης|Ιωάννου|Χατζή",
        "Οδός Ερμού ##|Λεωφόρος Νίκης #",
        "Αθήνα:105 63|Θεσσαλονίκη:546 24",
        "30",
        "",
        "694 ### ####",
    ),
    _locale(
        "UA",
        "uk",
        "Оксана Ярослав Соломія Богдан",
        "Коваленко|Щербина|Гнатюк",
        "вул. Шевченка, ##|просп. Свободи, #",
        "Львів:79000|Київ:01001",
        "380",
        "0",
        "67 ### ## ##",
    ),
    _locale(
        "JP",
        "ja",
        "さくら 健太 美咲 大輔",
        "高橋|渡辺|小林",
        "本町#丁目##番地|桜台#-##",
        "京都市:604-8001|札幌市:060-0001",
        "81",
        "0",
        "90-1###-####|90-2###-####",
    ),
    _locale(
        "CN",
        "zh zh-CN",
        "晓明 丽华 志强 婷婷",
        "欧阳|王|陈",
        "中山路##号|人民大街###号",
        "杭州:310000|成都:610000",
        "86",
        "",
        "138 #### ####",
    ),
    _locale(
        "KR",
        "ko",
        "지우 민준 서연 도현",
        "김|남궁|박",
        "세종대로 ##|해운대로 ###",
        "서울:04524|부산:48058",
        "82",
        "0",
        "10-2###-####",
    ),
    _locale(
        "AE",
        "ar en",
        "ليلى عمر نور خالد",
        "الهاشمي|بن سالم|المنصوري",
        "شارع الكورنيش ##|شارع النخيل #",
        "دبي:00000|أبوظبي:00000",
        "971",
        "0",
        "50 ### ####",
    ),
    _locale(
        "IN",
        "hi en-IN",
        "आरव दीया Meera Rohan",
        "शर्मा|Raghunathan|Chatterjee",
        "## MG Road|गांधी मार्ग ##",
        "Pune:411001|Kochi:682001",
        "91",
        "0",
        "981## #####|98### #####",
    ),
)
