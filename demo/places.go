package demo

import "strings"

// departments are those of metropolitan France, with the article that "Département" takes.
var departments = strings.Split("de l’Ain,de l’Aisne,de l’Allier,des Alpes-de-Haute-Provence,des Hautes-Alpes,des Alpes-Maritimes,de l’Ardèche,des Ardennes,de l’Ariège,de l’Aube,"+
	"de l’Aude,de l’Aveyron,des Bouches-du-Rhône,du Calvados,du Cantal,de la Charente,de la Charente-Maritime,du Cher,de la Corrèze,de la Côte-d’Or,des Côtes-d’Armor,de la Creuse,"+
	"de la Dordogne,du Doubs,de la Drôme,de l’Eure,d’Eure-et-Loir,du Finistère,du Gard,de la Haute-Garonne,du Gers,de la Gironde,de l’Hérault,d’Ille-et-Vilaine,de l’Indre,"+
	"d’Indre-et-Loire,de l’Isère,du Jura,des Landes,de Loir-et-Cher,de la Loire,de la Haute-Loire,de la Loire-Atlantique,du Loiret,du Lot,de Lot-et-Garonne,de la Lozère,"+
	"de Maine-et-Loire,de la Manche,de la Marne,de la Haute-Marne,de la Mayenne,de Meurthe-et-Moselle,de la Meuse,du Morbihan,de la Moselle,de la Nièvre,du Nord,de l’Oise,"+
	"de l’Orne,du Pas-de-Calais,du Puy-de-Dôme,des Pyrénées-Atlantiques,des Hautes-Pyrénées,des Pyrénées-Orientales,du Bas-Rhin,du Haut-Rhin,du Rhône,de la Haute-Saône,"+
	"de Saône-et-Loire,de la Sarthe,de la Savoie,de la Haute-Savoie,de la Seine-Maritime,de Seine-et-Marne,des Yvelines,des Deux-Sèvres,de la Somme,du Tarn,de Tarn-et-Garonne,"+
	"du Var,de Vaucluse,de la Vendée,de la Vienne,de la Haute-Vienne,des Vosges,de l’Yonne,du Territoire de Belfort,de l’Essonne,des Hauts-de-Seine,de la Seine-Saint-Denis,"+
	"du Val-de-Marne,du Val-d’Oise", ",")

// regions are those of France.
var regions = strings.Split("Auvergne-Rhône-Alpes,Bourgogne-Franche-Comté,Bretagne,Centre-Val de Loire,Grand Est,Hauts-de-France,Île-de-France,Normandie,Nouvelle-Aquitaine,Occitanie,"+
	"Pays de la Loire,Provence-Alpes-Côte d’Azur,Corse", ",")

// cities are some that help the young.
var cities = strings.Split("Ville de Lyon,Ville de Marseille,Ville de Toulouse,Ville de Nice,Ville de Nantes,Ville de Montpellier,Ville de Strasbourg,Ville de Bordeaux,Ville de Lille,"+
	"Ville de Rennes,Ville de Reims,Ville de Toulon,Ville de Saint-Étienne,Ville du Havre,Ville de Dijon,Ville de Grenoble,Ville d’Angers,Ville de Villeurbanne,Ville de Nîmes,"+
	"Ville de Clermont-Ferrand,Ville d’Aix-en-Provence,Ville du Mans,Ville de Brest,Ville de Tours,Ville d’Amiens,Ville de Limoges,Ville de Metz,Ville de Besançon,Ville de Perpignan,Ville d’Orléans", ",")

// kinds are what regions, departments and cities offer.
var (
	regionKinds = []string{"Aide au permis de conduire pour les jeunes en insertion professionnelle", "Bourse régionale « Jeunes à l’international »", "Carte jeune région : culture et sport",
		"Aide au premier équipement des apprentis", "Bourse d’études des formations sanitaires et sociales", "Tarification solidaire des trains régionaux", "Aide à la restauration des étudiants boursiers", "Prêt d’ordinateur aux lycéens"}
	departmentKinds = []string{"Aide départementale au permis de conduire", "Fonds d’aide aux jeunes", "Aide au Bafa pour une session de formation générale", "Carte jeunes pour le sport, la culture et les loisirs"}
	cityKinds       = []string{"Bourse communale au permis de conduire", "Bourses d’aide aux initiatives des jeunes"}
)
