"""The words from which people build passwords, by subject; `guessable` looks for them.

The list was written down by hand. It need not be complete: each word stands for itself in any
case, with letters written as digits, and joined with other words, years and patterns.
"""

from typing import Final

_PASSWORDS: Final = """
    password passwords passwort kennwort motdepasse contrasena contraseña clave senha wachtwoord
    parola haslo hasło lozinka heslo jelszo salasana losenord lösenord adgangskode geheim secret
    secreto segredo passphrase passcode passwd pass pword pwd mypassword mypass newpassword
    oldpassword thepassword nopassword yourpassword пароль привет любовь
    welcome welcometo bienvenue bienvenido willkommen benvenuto letmein letmeinnow letme openup
    opensesame sesame changeme changeit changethis change replaceme trustno access accessgranted
    default temporary temp tempo initial example sample nothing whatever something anything
    correcthorsebatterystaple correcthorse batterystaple tobeornottobe
"""
_ADMINISTRATION: Final = """
    admin administrator administrateur administrador root superuser super user username guest
    login logon signin system server database postgres oracle mysql docker kubernetes jenkins
    cisco ubuntu debian linux windows macintosh apple iphone android google facebook twitter
    instagram youtube amazon netflix spotify samsung nokia motorola microsoft office outlook
    internet computer laptop desktop network security secure private public master manager
    company business support service helpdesk testing test tester demo developer develop
    production staging backup monitor operator owner member client customer account mobile
    replay sentry playhead session recording video screen software hardware website webmaster
"""
_AFFECTION: Final = """
    love iloveyou iloveme ilove loveyou loveme lovely lover forever always baby babygirl babyboy
    sweetheart sweetie honey darling angel princess prince queen king beautiful gorgeous pretty
    kiss kisses friend friends friendship bestfriend family mother father mommy daddy mama papa
    sister brother iloveu teamo tequiero jetaime amour amor ichliebedich schatz liebe miamor
    kocham happy happiness smile lucky blessed jesus christ jesuschrist godisgood heaven church
    faith hope peace freedom please thankyou hello hallo bonjour hola goodbye imissyou
"""
_TIMES: Final = """
    spring summer autumn fall winter season january february march april may june july august
    september october november december monday tuesday wednesday thursday friday saturday sunday
    today tomorrow yesterday morning evening night weekend holiday birthday christmas easter
    halloween newyear fruehling frühling sommer herbst januar februar märz maerz juni juli oktober
    dezember montag dienstag mittwoch donnerstag freitag samstag sonntag weihnachten ostern
    printemps automne hiver janvier fevrier mars avril juin juillet aout septembre octobre
    novembre decembre lundi mardi mercredi jeudi vendredi samedi dimanche primavera verano otono
    invierno enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre
    diciembre lunes martes miercoles jueves viernes sabado domingo estate inverno
"""
_ANIMALS_AND_NATURE: Final = """
    dragon monkey tiger lion panther cheetah leopard jaguar eagle falcon phoenix hawk dolphin
    shark whale turtle snake viper cobra spider scorpion butterfly horse pony stallion mustang
    puppy doggy kitty kitten panda bear teddy teddybear rabbit bunny wolf wolves fox buffalo
    bulldog rottweiler labrador chicken rooster penguin elephant unicorn dinosaur sunshine
    sunflower flower flowers rose roses daisy jasmine lily tulip violet orchid forest river ocean
    mountain island beach rainbow thunder lightning storm snow snowball hurricane tornado
    diamond crystal silver golden gold ruby emerald sapphire pearl earth world planet galaxy
    star stars stardust moon moonlight sunlight universe nature water fire
"""
_COLOURS_AND_FOOD: Final = """
    black white yellow orange purple green blue brown pink scarlet crimson turquoise chocolate
    cookie cookies cupcake candy sugar sweet butter cheese cheeseburger burger pizza pasta
    banana apples cherry strawberry blueberry lemon peaches peach mango coconut pineapple potato
    tomato pepper ginger cinnamon vanilla coffee espresso cocacola pepsi vodka whiskey tequila
    champagne pancake waffle sandwich bacon pumpkin popcorn
"""
_SPORT: Final = """
    football baseball basketball soccer hockey tennis golf golfer rugby cricket volleyball
    swimming boxing wrestling skateboard snowboard cycling marathon champion champions winner
    liverpool chelsea arsenal manchester manchesterunited manunited mancity tottenham everton
    barcelona realmadrid madrid juventus milan inter bayern bayernmunich dortmund schalke
    galatasaray fenerbahce besiktas benfica porto ajax celtic rangers lakers bulls celtics
    warriors yankees dodgers redsox cowboys steelers packers patriots raiders broncos dolphins
    ronaldo messi neymar beckham jordan kobe federer ferrari porsche mercedes bmw corvette
    camaro harley harleydavidson yamaha kawasaki honda toyota nissan racing driver
"""
_STORIES: Final = """
    superman batman spiderman ironman wolverine avengers captain captainamerica deadpool joker
    starwars skywalker vader darthvader yoda chewbacca jedi startrek enterprise matrix neo
    gandalf frodo hobbit lordoftherings harrypotter hogwarts dumbledore voldemort hermione
    pokemon pikachu charizard naruto sasuke goku dragonball onepiece mario luigi zelda sonic
    minecraft fortnite roblox creeper callofduty counterstrike halo warcraft worldofwarcraft
    starcraft diablo league leagueoflegends assassin ninja samurai pirate pirates wizard magic
    merlin vampire zombie zombies monster ghost killer hunter shadow knight warrior gladiator
    legend hero soldier ranger blade titan zeus apollo athena hercules simpsons homer snoopy
    garfield mickey mickeymouse donald cinderella tinkerbell barbie hellokitty scooby scoobydoo
    metallica nirvana slipknot eminem beatles queen michaeljackson guitar music rocknroll rockstar
    hiphop dance dancer singer piano drummer
"""
_NAMES: Final = """
    michael michelle matthew jennifer jessica joshua andrew daniel danielle christopher
    christian christina christine anthony amanda ashley austin alexander alexandra alexandre
    alexis alice allison amber andrea angela angelina anna annie antonio barbara benjamin
    bella bianca bradley brandon brenda brian brittany bruno carlos carmen caroline catherine
    cameron charles charlie charlotte chelsea chloe claudia claire connor courtney crystal
    cynthia david deborah dennis diana diego dominic dylan edward eduardo elena elizabeth emily
    emma eric erica ethan eugene evelyn fernando francesco francis frank frederick gabriel
    gabriela gabrielle george gerald giovanni gloria gregory hannah harry heather helen henry
    isabel isabella isabelle jack jackson jacob jacqueline james jamie jasmin jason javier
    jeffrey jeremy joanna johanna john johnny jonathan jose joseph juan julia julian juliana
    justin karen katherine kathleen katie kelly kenneth kevin kimberly kristina laura lauren
    leonardo lewis linda lisa louis louise lucas lucia lukas madison manuel marcel marco marcus
    margaret maria mariana marie marina mario mark martin martina mary mason maximilian megan
    melanie melissa miguel mohamed mohammed muhammad monica morgan nancy natalia natalie natasha
    nathan nicholas nicole nikita nikolas oliver olivia oscar pamela patricia patrick paul paula
    pedro peter philip rachel raymond rebecca ricardo richard robert roberto rodrigo roger ronald
    rosemary russell samantha samuel sandra santiago sarah scott sebastian sergio sharon simon
    sophia sophie stefan stephanie stephen steven susan sylvia tatiana taylor teresa thomas
    tiffany timothy tyler vanessa veronica victor victoria vincent vladimir william yvonne
    zachary
"""
_COUNTRIES_AND_TOWNS: Final = """
    america american usa canada mexico brazil brasil argentina chile colombia england english
    scotland ireland france french paris germany deutschland german berlin hamburg munich
    muenchen münchen austria switzerland italy italia rome roma napoli spain espana españa
    portugal lisboa holland nederland amsterdam belgium sweden norway denmark finland poland
    polska warszawa russia moscow ukraine turkey turkiye istanbul greece india indian pakistan
    china chinese japan japanese tokyo korea philippines vietnam thailand indonesia australia
    sydney newyork newyorkcity london boston chicago houston dallas denver detroit miami orlando
    phoenix seattle california texas florida alaska hawaii lasvegas hollywood africa europe
"""
_ATTITUDES: Final = """
    cool coolguy awesome amazing perfect genius stupid idiot loser crazy freak gangster gangsta
    playboy player badboy badgirl sexy hottie bitch fuckyou fuckoff fuck shit asshole bullshit
    dickhead money million millionaire dollar success power powerful strong danger dangerous
    number numberone winning thebest thebeast beast bigdog biggie bigboy little bigger school
    college student teacher doctor nurse police fireman army navy marine marines airforce rocket
    inside outside really maybe never again because
"""

_SUBJECTS: Final = (
    _PASSWORDS, _ADMINISTRATION, _AFFECTION, _TIMES, _ANIMALS_AND_NATURE, _COLOURS_AND_FOOD,
    _SPORT, _STORIES, _NAMES, _COUNTRIES_AND_TOWNS, _ATTITUDES,
)  # fmt: skip

COMMON_WORDS: Final = frozenset(word for subject in _SUBJECTS for word in subject.split())
