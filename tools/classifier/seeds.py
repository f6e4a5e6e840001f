"""Prompts made from patterns, for what public collections in these languages lack: everyday questions for advice and
explanation, how-to questions of programmers, short orders, and questions about a picture that name it. Written for
this project, free of any licence."""

import itertools
import random

MOST = 60  # of each language and group

CHAT = {
    "en": (["How do I {}?", "How can I {}?", "What is the best way to {}?", "Give me some tips on how to {}.",
            "I want to {}. Where should I start?", "Can you help me {}?", "Explain how to {}", "any ideas to {}",
            "Why is it so hard to {}?", "Should I {} or is it not worth it?"],
           ["sleep better", "cook rice without it sticking", "ask my boss for a raise", "learn the guitar",
            "comfort a friend who lost her dog", "plan a birthday party", "clean a carpet", "save money for a holiday",
            "get over a breakup", "start running", "keep basil alive indoors", "write a cover letter",
            "talk to my teenage son", "paint a fence", "make friends in a new city"]),
    "de": (["Wie kann ich {}?", "Wie schaffe ich es, {}?", "Gib mir ein paar Tipps, um {}.", "Was hilft dabei, {}?",
            "Ich möchte {}. Womit fange ich an?", "Kannst du mir helfen, {}?", "Warum ist es so schwer, {}?",
            "Erkläre mir, wie man es schafft, {}.", "Lohnt es sich, {}?"],
           ["besser zu schlafen", "Geld zu sparen", "Gitarre zu lernen", "eine Hochzeit zu planen",
            "mit dem Rauchen aufzuhören", "einen Garten anzulegen", "neue Freunde zu finden",
            "ein Bewerbungsgespräch zu üben", "gesünder zu essen", "mit Stress umzugehen", "ein Buch zu schreiben",
            "meinem Kind das Lesen beizubringen", "Brot zu backen"]),
    "fr": (["Comment puis-je {} ?", "Comment faire pour {} ?", "Donne-moi quelques conseils pour {}.",
            "Je voudrais {}. Par où commencer ?", "Peux-tu m'aider à {} ?", "Pourquoi est-il si difficile de {} ?",
            "Explique-moi comment {}.", "Quelles sont les meilleures façons de {} ?", "Est-ce une bonne idée de {} ?"],
           ["mieux dormir", "économiser de l'argent", "apprendre la guitare", "organiser un mariage",
            "arrêter de fumer", "créer un potager", "rencontrer de nouveaux amis", "préparer un entretien d'embauche",
            "manger plus sainement", "gérer le stress", "écrire un roman", "apprendre à lire à mon enfant",
            "faire du pain"]),
    "es": (["¿Cómo puedo {}?", "¿Qué hago para {}?", "Dame algunos consejos para {}.",
            "Quiero {}. ¿Por dónde empiezo?", "¿Me ayudas a {}?", "¿Por qué es tan difícil {}?",
            "Explícame cómo {}.", "¿Cuáles son las mejores maneras de {}?", "¿Vale la pena {}?"],
           ["dormir mejor", "ahorrar dinero", "aprender a tocar la guitarra", "organizar una boda", "dejar de fumar",
            "montar un huerto", "hacer nuevos amigos", "preparar una entrevista de trabajo", "comer más sano",
            "manejar el estrés", "escribir una novela", "enseñar a leer a mi hijo", "hacer pan"]),
    "ja": (["{}にはどうすればいいですか？", "{}コツを教えてください。", "{}ためのアイデアをいくつか挙げてください。",
            "{}のはなぜ難しいのでしょうか？", "{}方法について詳しく説明してください。", "{}のを手伝ってもらえますか？",
            "{}メリットとデメリットを説明してください。"],
           ["よく眠る", "お金を節約する", "ギターを覚える", "結婚式を計画する", "たばこをやめる", "家庭菜園を始める",
            "新しい友達を作る", "面接の準備をする", "健康的に食べる", "ストレスと付き合う", "小説を書く",
            "子どもに読み方を教える", "旅行の計画を立てる"]),
    "zh": (["怎样才能{}？", "如何{}？", "请给我一些{}的建议。", "我想{}，应该从哪里开始？", "为什么{}这么难？",
            "请详细解释一下怎么{}。", "你能帮我{}吗？", "谈谈{}的好处和坏处。"],
           ["睡得更好", "省钱", "学吉他", "策划婚礼", "戒烟", "在阳台种菜", "结交新朋友", "准备面试", "吃得更健康",
            "缓解压力", "写小说", "教孩子认字", "安排一次旅行"]),
}
WRITE = {
    "en": (["Write a {} about {}.", "I need a {} on {}, keep it friendly.", "Rewrite my {} about {} so that it sounds better."],
           ["short story", "poem", "speech", "blog post", "thank-you letter", "product description"],
           ["autumn", "a lost cat", "our team's first year", "a small bakery", "moving abroad"]),
    "de": (["Schreibe {} über {}.", "Ich brauche {} über {}, bitte freundlich.", "Verfasse {} zum Thema {}."],
           ["eine Kurzgeschichte", "ein Gedicht", "eine Rede", "einen Blogartikel", "einen Brief", "eine E-Mail"],
           ["den Herbst", "eine verlorene Katze", "unser erstes Jahr", "eine kleine Bäckerei", "einen Umzug"]),
    "fr": (["Écris {} sur {}.", "J'ai besoin {} sur {}.", "Rédige {} à propos {}."],
           ["une courte histoire", "un poème", "un discours", "un article de blog", "une lettre", "un e-mail"],
           ["l'automne", "un chat perdu", "notre première année", "une petite boulangerie", "un déménagement"]),
    "es": (["Escribe {} sobre {}.", "Necesito {} sobre {}.", "Redacta {} acerca de {}."],
           ["un cuento corto", "un poema", "un discurso", "un artículo de blog", "una carta", "un correo"],
           ["el otoño", "un gato perdido", "nuestro primer año", "una pequeña panadería", "una mudanza"]),
    "ja": (["{1}についての{0}を書いてください。", "{1}をテーマに{0}を作成して。"],
           ["短い物語", "詩", "スピーチ", "ブログ記事", "手紙", "メール"],
           ["秋", "迷子の猫", "チームの一年", "小さなパン屋", "引っ越し"]),
    "zh": (["写一篇关于{1}的{0}。", "请以{1}为主题写一个{0}。", "帮我润色一下这篇关于{1}的{0}。"],
           ["短篇故事", "诗", "演讲稿", "博客文章", "感谢信", "产品文案"],
           ["秋天", "走失的猫", "团队的第一年", "小面包店", "搬家"]),
}
KNOW = {
    "en": (["Explain {}.", "Explain {} to me like I am five", "What causes {}?", "Tell me about {}.", "How does {} work?",
            "What is the history of {}?", "What are some interesting facts about {}?", "Give me a list of books on {}.",
            "What do people say about {}?", "Summarize {} in a few points.", "Can you describe {}?"],
           ["inflation", "thunder", "the French Revolution", "jazz", "photosynthesis", "coffee", "democracy", "tides"]),
    "de": (["Erkläre {}.", "Erzähl mir etwas über {}.", "Welche Ursachen hat {}?", "Wie funktioniert {}?",
            "Welche Bedeutung hat {} heute?", "Nenne einige interessante Fakten über {}.", "Fasse {} kurz zusammen.",
            "Was hältst du von {}?"],
           ["Inflation", "Donner", "Photosynthese", "Jazz", "Demokratie", "Klimawandel", "künstliche Intelligenz"]),
    "fr": (["Explique {}.", "Parle-moi de {}.", "Quelles sont les causes de {} ?", "Comment fonctionne {} ?",
            "Quelle est l'importance de {} aujourd'hui ?", "Donne quelques faits intéressants sur {}.",
            "Résume {} en quelques points.", "Que penses-tu de {} ?"],
           ["l'inflation", "la photosynthèse", "la Révolution française", "la démocratie", "l'intelligence artificielle",
            "la musique classique", "l'énergie solaire"]),
    "es": (["Explica {}.", "Háblame de {}.", "¿Cuáles son las causas de {}?", "¿Cómo funciona {}?",
            "¿Qué importancia tiene {} hoy?", "Dame algunos datos interesantes sobre {}.", "Resume {} en pocos puntos.",
            "¿Qué opinas de {}?"],
           ["la inflación", "la fotosíntesis", "la Revolución francesa", "la democracia", "la inteligencia artificial",
            "la música clásica", "la energía solar"]),
    "ja": (["{}について説明してください。", "{}の原因は何ですか？", "{}の仕組みを教えてください。", "{}の歴史について教えてください。",
            "{}が社会に与える影響を述べてください。", "{}についてどう思いますか？", "{}の重要性は何ですか？", "{}を簡単にまとめてください。"],
           ["インフレーション", "光合成", "フランス革命", "民主主義", "人工知能", "茶道", "地球温暖化", "少子高齢化"]),
    "zh": (["解释一下{}。", "谈谈{}。", "{}的原因有哪些？", "{}是如何运作的？", "{}对社会有什么影响？", "你怎么看待{}？",
            "简要概括{}。", "介绍一下{}的历史。", "{}有什么意义？"],
           ["通货膨胀", "光合作用", "法国大革命", "民主", "人工智能", "茶文化", "全球变暖", "人口老龄化"]),
}
CODE = {
    "en": (["How do I {} in {}?", "{} using {}", "Write a {1} script to {0}.", "Why does my {1} code fail when I {0}?",
            "what is the {1} way to {0}"],
           ["read a CSV file", "sort a list of tuples by the second element", "parse JSON", "send a POST request",
            "remove duplicates from an array", "connect to a database", "undo the last commit", "center a div",
            "count lines in a file", "convert a string to a date"],
           ["Python", "JavaScript", "Bash", "Go", "C#", "Rust", "PHP", "TypeScript"]),
    "de": (["Wie kann ich in {1} {0}?", "Schreibe eine Funktion in {1}, um {0}.", "{1}: {0}",
            "Mein {1}-Skript stürzt ab, wenn ich versuche, {0}. Woran liegt das?"],
           ["eine CSV-Datei einzulesen", "eine Liste zu sortieren", "JSON zu parsen", "doppelte Einträge zu entfernen",
            "eine Datenbank abzufragen", "Dateien umzubenennen", "einen String umzudrehen"],
           ["Python", "JavaScript", "Bash", "Java", "C++", "SQL"]),
    "fr": (["Comment {0} en {1} ?", "Écris une fonction {1} pour {0}.", "{1} : {0}",
            "Mon script {1} plante quand j'essaie de {0}. Pourquoi ?"],
           ["lire un fichier CSV", "trier une liste", "analyser du JSON", "supprimer les doublons",
            "interroger une base de données", "renommer des fichiers", "inverser une chaîne"],
           ["Python", "JavaScript", "Bash", "Java", "C++", "SQL"]),
    "es": (["¿Cómo puedo {0} en {1}?", "Escribe una función de {1} para {0}.", "{1}: {0}",
            "Mi script de {1} falla al {0}. ¿Por qué?", "{0} con {1}"],
           ["leer un archivo CSV", "ordenar una lista", "analizar JSON", "eliminar duplicados",
            "consultar una base de datos", "renombrar archivos", "invertir una cadena"],
           ["Python", "JavaScript", "Bash", "Java", "C++", "SQL"]),
    "ja": (["{1}で{0}方法", "{1}で{0}関数を書いてください。", "{1}で{0}とエラーになります。なぜですか？", "{1}を使って{0}"],
           ["CSVファイルを読み込む", "リストを並べ替える", "JSONを解析する", "重複を取り除く", "データベースに接続する",
            "ファイル名を一括で変更する", "文字列を逆にする", "配列の要素を数える"],
           ["Python", "JavaScript", "シェルスクリプト", "Java", "C++", "SQL"]),
    "zh": (["如何用{1}{0}？", "请用{1}写一个函数，{0}。", "{1}{0}时报错，怎么解决？", "帮我用{1}实现：{0}"],
           ["读取CSV文件", "对列表排序", "解析JSON", "去除重复元素", "连接数据库", "批量重命名文件", "反转字符串",
            "统计数组元素个数"],
           ["Python", "JavaScript", "Shell", "Java", "C++", "SQL"]),
}
FUNCTIONS = {
    "en": (["Write a {} function that {}.", "Implement a {} class that {}.", "Complete this {} program so that it {}.",
            "Refactor my {} code so that it {}."],
           ["checks whether a number is prime", "merges two sorted lists", "counts the words of a text", "caches results",
            "retries on failure", "returns the longest common prefix"]),
    "de": (["Schreibe eine {}-Funktion, die {}.", "Implementiere eine Klasse in {}, die {}.",
            "Erstelle ein Programm in {}, das {}.", "Ergänze meinen {}-Code so, dass er {}."],
           ["prüft, ob eine Zahl prim ist", "zwei sortierte Listen zusammenführt", "die Wörter eines Textes zählt",
            "doppelte Werte entfernt", "die Fakultät berechnet", "Ergebnisse zwischenspeichert"]),
    "fr": (["Écris une fonction {} qui {}.", "Implémente une classe {} qui {}.", "Crée un programme en {} qui {}.",
            "Complète mon code {} pour qu'il {}."],
           ["vérifie si un nombre est premier", "fusionne deux listes triées", "compte les mots d'un texte",
            "supprime les doublons", "calcule la factorielle", "inverse une chaîne de caractères"]),
    "es": (["Escribe una función en {} que {}.", "Implementa una clase de {} que {}.", "Crea un programa en {} que {}.",
            "Completa mi código de {} para que {}."],
           ["compruebe si un número es primo", "una dos listas ordenadas", "cuente las palabras de un texto",
            "elimine duplicados", "calcule el factorial", "invierta una cadena"]),
    "ja": (["{}で{}関数を書いてください。", "{}で{}クラスを実装してください。", "{}で{}プログラムを作って。"],
           ["素数かどうかを判定する", "二つの整列済みリストを結合する", "単語の数を数える", "重複を削除する", "階乗を計算する"]),
    "zh": (["用{}写一个{}的函数。", "用{}实现一个{}的类。", "编写一个{}程序，{}。", "补全这段{}代码，{}。"],
           ["判断一个数是否为素数", "合并两个有序列表", "统计文本中的单词数", "删除重复元素", "计算阶乘"]),
}
CONCEPTS = {
    "en": ["Explain {}.", "What is {} and when do I need it?", "How do I set up {}?", "{} does not work, how can I debug it?",
           "Show me an example of {}.", "best practice for {}"],
    "de": ["Erkläre {} mit einem Beispiel.", "Wofür braucht man {}?", "Wie richte ich {} ein?", "{} funktioniert nicht, was tun?"],
    "fr": ["Explique {} avec un exemple.", "À quoi sert {} ?", "Comment configurer {} ?", "{} ne marche pas, que faire ?"],
    "es": ["Explica {} con un ejemplo.", "¿Para qué sirve {}?", "¿Cómo configuro {}?", "{} no funciona, ¿qué hago?"],
    "ja": ["{}を例を使って説明してください。", "{}とは何に使いますか？", "{}の設定方法を教えて", "{}が動きません。どうすればいいですか？"],
    "zh": ["举例说明{}。", "{}有什么用？", "怎么配置{}？", "{}不能用，怎么排查？"],
}
TOOLS = ["git rebase", "Docker Compose", "a Kubernetes ingress", "async/await", "SQL JOIN", "Python decorators", "React hooks",
         "nginx reverse proxy", "systemd", "CSS flexbox", "TypeScript generics", "C++ smart pointers", "Redis", "GitHub Actions"]
SUMS = {
    "en": ["Solve for x: {}x + {} = {}.", "A train travels {} km in {} minutes. How far does it get in {} minutes?",
           "A shirt costs {} dollars after a discount of {} percent. What was its price before?",
           "What number comes next: {}, {}, {}, ...?", "If {} workers need {} days, how many days do {} workers need?"],
    "de": ["Löse nach x auf: {}x + {} = {}.", "Ein Zug fährt {} km in {} Minuten. Wie weit kommt er in {} Minuten?",
           "Ein Hemd kostet nach {} Prozent Rabatt {} Euro. Was kostete es vorher?",
           "Wenn {} Arbeiter {} Tage brauchen, wie viele Tage brauchen {} Arbeiter?"],
    "fr": ["Résous : {}x + {} = {}.", "Un train parcourt {} km en {} minutes. Quelle distance parcourt-il en {} minutes ?",
           "Après une remise de {} %, une chemise coûte {} euros. Quel était son prix ?",
           "Si {} ouvriers mettent {} jours, combien de jours faut-il à {} ouvriers ?"],
    "es": ["Resuelve: {}x + {} = {}.", "Un tren recorre {} km en {} minutos. ¿Qué distancia recorre en {} minutos?",
           "Tras un descuento del {} %, una camisa cuesta {} euros. ¿Cuánto costaba antes?",
           "Si {} obreros tardan {} días, ¿cuántos días tardan {} obreros?"],
    "ja": ["方程式 {}x + {} = {} を解いてください。", "電車が{}kmを{}分で走ります。{}分では何km進みますか？",
           "{}％引きで{}円のシャツの元の値段はいくらですか？", "{}人で{}日かかる仕事を{}人ですると何日かかりますか？"],
    "zh": ["解方程：{}x + {} = {}。", "一列火车{}分钟行驶{}公里，{}分钟能行驶多少公里？", "一件衬衫打{}折后卖{}元，原价是多少？",
           "{}个工人{}天完成一项工程，{}个工人需要几天？", "从{}个男生和{}个女生中选{}人，共有多少种选法？"],
}
FAST = {
    "en": (["What is the {} of {}?", "{} of {}", "Do you know the {} of {}?", "Tell me the {} of {}."],
           ["capital", "population", "currency", "official language", "largest city", "time zone"],
           ["Peru", "Norway", "Kenya", "Vietnam", "Portugal", "Canada"]),
    "de": (["Was ist {} von {}?", "Wie lautet {} von {}?", "Nenne mir {} von {}."],
           ["die Hauptstadt", "die Einwohnerzahl", "die Währung", "die Amtssprache", "die größte Stadt"],
           ["Peru", "Norwegen", "Kenia", "Vietnam", "Portugal", "Kanada"]),
    "fr": (["Quelle est {} {} ?", "Donne-moi {} {}.", "C'est quoi {} {} ?"],
           ["la capitale", "la population", "la monnaie", "la langue officielle", "la plus grande ville"],
           ["du Pérou", "de la Norvège", "du Kenya", "du Vietnam", "du Portugal", "du Canada"]),
    "es": (["¿Cuál es {} de {}?", "Dime {} de {}.", "¿Sabes {} de {}?"],
           ["la capital", "la población", "la moneda", "el idioma oficial", "la ciudad más grande"],
           ["Perú", "Noruega", "Kenia", "Vietnam", "Portugal", "Canadá"]),
    "ja": (["{1}の{0}は何ですか？", "{1}の{0}は？", "{1}の{0}を教えて"],
           ["首都", "人口", "通貨", "公用語", "最大の都市"],
           ["ペルー", "ノルウェー", "ケニア", "ベトナム", "ポルトガル", "カナダ"]),
    "zh": (["{1}的{0}是什么？", "{1}的{0}是哪里", "请问{1}的{0}？"],
           ["首都", "人口", "货币", "官方语言", "最大城市"],
           ["秘鲁", "挪威", "肯尼亚", "越南", "葡萄牙", "加拿大"]),
}
ORDERS = {
    "en": ["Translate '{}' into French.", "How do you spell {}?", "Define {}.", "synonym for {}", "What's the plural of {}?",
           "remind me to buy {}"],
    "de": ["Übersetze '{}' ins Englische.", "Wie schreibt man {}?", "Was bedeutet {}?", "ein Synonym für {}",
           "Wie ist der Plural von {}?", "erinnere mich an {}"],
    "fr": ["Traduis « {} » en anglais.", "Comment s'écrit {} ?", "Que signifie {} ?", "un synonyme de {}",
           "Quel est le pluriel de {} ?", "rappelle-moi d'acheter {}"],
    "es": ["Traduce '{}' al inglés.", "¿Cómo se escribe {}?", "¿Qué significa {}?", "un sinónimo de {}",
           "¿Cuál es el plural de {}?", "recuérdame comprar {}"],
    "ja": ["「{}」を英語に訳して。", "「{}」の読み方は？", "{}とは何ですか？", "{}の類義語は？", "{}の反対語は？", "明日{}を買うのを思い出させて"],
    "zh": ["把“{}”翻译成英文。", "“{}”怎么读？", "{}是什么意思？", "{}的近义词是什么？", "{}的反义词", "提醒我明天买{}"],
}
WORDS = {"en": ["bread", "umbrella", "resilience", "garlic", "letter"], "de": ["Brot", "Regenschirm", "Geduld", "Knoblauch", "Brief"],
         "fr": ["pain", "parapluie", "patience", "ail", "lettre"], "es": ["pan", "paraguas", "paciencia", "ajo", "carta"],
         "ja": ["パン", "傘", "忍耐", "にんにく", "手紙"], "zh": ["面包", "雨伞", "耐心", "大蒜", "信"]}
VISION = {
    "en": (["What {} in this {}?", "Look at the {1}: what {0}?", "In the {1}, what {0}?"],
           ["is happening", "objects can you see", "is the person doing", "text is written", "colour stands out", "looks unusual"],
           ["image", "photo", "picture", "screenshot", "chart"]),
    "de": (["Was {} auf diesem {}?", "Sieh dir das {1} an: was {0}?"],
           ["ist zu sehen", "passiert", "macht die Person", "steht geschrieben", "fällt auf"],
           ["Bild", "Foto", "Diagramm", "Plakat"]),
    "fr": (["Que {} sur cette {} ?", "Regarde cette {1} : que {0} ?"],
           ["voit-on", "se passe-t-il", "fait la personne", "peut-on lire", "représente l'ensemble"],
           ["image", "photo", "capture d'écran", "affiche"]),
    "es": (["¿Qué {} en esta {}?", "Mira la {1}: ¿qué {0}?"],
           ["se ve", "está pasando", "hace la persona", "está escrito", "llama la atención"],
           ["imagen", "foto", "captura de pantalla", "gráfica"]),
    "ja": (["この{1}には何が{0}？", "{1}に{0}ものを説明してください。"],
           ["写っていますか", "書かれていますか", "見えますか", "描かれていますか"],
           ["画像", "写真", "図", "イラスト"]),
    "zh": (["这张{1}里{0}？", "请看{1}，{0}？", "根据{1}回答：{0}？"],
           ["有什么", "发生了什么", "这个人在做什么", "写了什么字", "有几个人"],
           ["图片", "照片", "截图", "图表"]),
}


def _fill(patterns, *slots):
    for pattern, *words in itertools.product(patterns, *slots):
        yield pattern.format(*words)


def _sums(language):
    numbers = random.Random(language)
    for pattern, _ in itertools.product(SUMS[language], range(8)):
        yield pattern.format(*(numbers.randint(2, 90) for _ in range(3)))


def rows():
    """(text, label, language), the same ones each time."""
    for language in CHAT:
        groups = [
            (list(_fill(*CHAT[language])) + list(_fill(*WRITE[language])), "chat"),
            (list(_fill(*KNOW[language])), "chat"),
            (list(_fill(*CODE[language])), "code"),
            ([pattern.format(name, task) for pattern, name, task in itertools.product(
                FUNCTIONS[language][0], CODE[language][2], FUNCTIONS[language][1])], "code"),
            (list(_fill(CONCEPTS[language], TOOLS)), "code"),
            (list(_sums(language)), "reason"),
            (list(_fill(*FAST[language])) + list(_fill(ORDERS[language], WORDS[language])), "fast"),
            (list(_fill(*VISION[language])), "vision"),
        ]
        for texts, label in groups:
            random.Random(language + label + texts[0]).shuffle(texts)
            for text in texts[:MOST if label != "vision" else MOST // 3]:
                yield text, label, language
