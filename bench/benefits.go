package main

import "strconv"

// slugRegions and slugKinds are put together to benefit ids that look like
// those of a real site: lower-case slugs of 10 to 40 bytes.
func slugRegions() []string {
	return []string{
		"bretagne", "normandie", "occitanie", "corse", "grand-est", "ile-de-france",
		"hauts-de-france", "pays-de-la-loire", "centre-val-de-loire", "guadeloupe",
		"martinique", "guyane", "la-reunion", "mayotte", "paris", "lyon", "marseille",
		"toulouse", "nantes", "strasbourg", "bordeaux", "lille", "rennes", "montpellier",
	}
}

func slugKinds() []string {
	return []string{
		"permis", "aide-logement", "bourse-lycee", "bourse-etudes", "cheque-sport",
		"pass-culture", "tarif-transport", "aide-mobilite", "prime-activite",
		"aide-velo", "fonds-urgence", "caution-loyer", "garantie-visale",
		"aide-garde-enfant", "cheque-energie", "formation-bafa", "depart1825_montant",
		"service-civique", "aide-installation", "sante-solidaire", "repas-1-euro",
		"apprentissage", "carte-jeune", "aide-handicap", "pret-etudiant",
	}
}

// benefitNames returns count distinct benefit ids, always the same ones.
func benefitNames(count int) []string {
	regions, kinds := slugRegions(), slugKinds()
	names := make([]string, count)
	for number := range names {
		name := regions[number%len(regions)] + "-" + kinds[number/len(regions)%len(kinds)]
		if generation := number / (len(regions) * len(kinds)); generation > 0 {
			name += "-" + strconv.Itoa(generation+1)
		}
		names[number] = name
	}
	return names
}
