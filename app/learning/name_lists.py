"""Given and family names that are common in the United States, and those of them that are ordinary words or places too."""

from __future__ import annotations


def _names(*lists: str) -> frozenset[str]:
    return frozenset(name.lower() for names in lists for name in names.split())


GIVEN = _names(
    """
    Aaron Abby Abigail Abdul Abdullah Abena Adam Adaeze Adriana Adrian Agnes Ahmed Aisha Alan Albert Alejandra Alejandro
    Alex Alexa Alexander Alexandra Alexis Alfred Ali Alice Alicia Alina Alison Allison Alma Alyssa Amanda Amara Amber Amelia
    Amina Amir Amira Amy Ana Anastasia Andre Andrea Andres Andrew Andrzej Angel Angela Angelica Angelina Angie Anil Anita
    Anjali Ann Anna Anne Annette Annie Anthony Antoine Antonio April Aria Ariana Arjun Arlene Arnold Arthur Arturo Ashley
    Audrey Ava Ayesha Barbara Beatrice Becky Belinda Ben Benjamin Bernadette Bernard Bernice Bertha Beth Bethany Betty
    Beverly Bianca Billy Blanca Bob Bobby Bonnie Boris Brad Bradley Brandi Brandon Brenda Brendan Brent Brett Brian Briana
    Bridget Brittany Brooke Bruce Bryan Byron Caitlin Caleb Calvin Cameron Camila Camille Candace Carl Carla Carlos Carmen
    Carol Carole Caroline Carolyn Carrie Casey Cassandra Catherine Cathy Cecilia Celeste Cesar Chad Charlene Charles Charlie
    Chelsea Cheryl Chloe Chris Christian Christina Christine Christopher Cindy Claire Clara Clarence Claudia Clayton Clifford
    Clinton Clyde Cody Colin Colleen Connie Connor Constance Corey Cory Courtney Craig Cristina Crystal Curtis Cynthia Daisy
    Dan Dana Daniel Daniela Danielle Danny Daphne Darlene Darnell Darrell Darren Darryl Dave David Deanna Debbie Deborah Debra
    Deepa Delores Denise Dennis Derek Derrick Desiree Devon Diana Diane Diego Dimitri Dmitri Dolores Dominic Don Donald Donna
    Dora Doreen Doris Dorothy Dottie Doug Douglas Duane Dustin Dwayne Dwight Dylan Ebony Ed Eddie Edgar Edith Edna Eduardo
    Edward Edwin Eileen Elaine Eleanor Elena Eli Elias Elijah Elizabeth Ella Ellen Ellie Elmer Elsa Elsie Emeka Emily Emma Emmanuel
    Enrique Eric Erica Erik Erika Erin Ernest Ernesto Esperanza Esteban Esther Ethan Ethel Eugene Eunice Eva Evan Evelyn
    Fatima Felicia Felix Fernando Fiona Flora Frances Francesca Francis Francisco Franklin Fred Freda Frederick Gabriel
    Gabriela Gabrielle Gail Gary Gavin Geoffrey George Georgia Gerald Geraldine Gerardo Gertrude Gilbert Gina Giovanni Gladys
    Glenda Glenn Gloria Gordon Greg Gregory Greta Gretchen Guadalupe Guillermo Gustavo Gwen Gwendolyn Hana Hannah Harold Harriet
    Harry Harvey Hassan Hazel Heather Hector Heidi Helen Helena Henry Herbert Herman Hilda Hiroshi Holly Howard Hugo Hussein
    Ian Ibrahim Ida Ignacio Imani Inez Ingrid Irene Irina Iris Irma Isaac Isabel Isabella Isabelle Isaiah Ismael Ivan Ivy Jacob
    Jacqueline Jacquelyn Jaime Jake Jamal James Jamie Jan Jane Janet Janice Jared Jasmine Jason Javier Jay Jayden Jean Jeanette
    Jeanne Jeff Jeffery Jeffrey Jenna Jennifer Jenny Jeremiah Jeremy Jermaine Jerome Jerry Jesse Jessica Jessie Jesus Jill Jim
    Jimmy Jo Joan Joann Joanna Joanne Joaquin Jocelyn Jodi Jody Joe Joel Joey Johanna John Johnnie Johnny Jon Jonathan Jorge Jose
    Josefina Joseph Josephine Josh Joshua Josue Joyce Juan Juana Juanita Judith Judy Julia Julian Juliana Julie Juliet Julio June
    Justin Kaitlyn Kamala Karen Karim Karina Karl Karla Kate Katelyn Katherine Kathleen Kathryn Kathy Katie Katrina Kavita Kay
    Kayla Keisha Keith Kelly Kelsey Ken Kendra Kenneth Kenny Kevin Khalid Kim Kimberly Kirk Kofi Krista Kristen Kristin Kristina
    Kristy Kurt Kwame Kyle Lakshmi Lamar Lance Larry Latasha Latoya Laura Lauren Laurie Laverne Lawrence Leah Leilani Lena Leo Leon
    Leona Leonard Leroy Leslie Lester Leticia Lewis Liam Lila Lillian Lillie Linda Lindsay Lindsey Linh Lisa Lloyd Logan Lois
    Lola Lonnie Lora Lorena Loretta Lori Lorraine Louis Louise Lucas Lucia Lucille Lucy Luis Luke Lupe Luz Lydia Lynn Mabel
    Mackenzie Maggie Mahmoud Malik Mamie Manuel Mara Marcel Marcia Marco Marcos Marcus Margaret Margarita Marge Margie
    Maria Mariam Marian Marianne Maribel Marie Marilyn Marina Mario Marion Marisol Marissa Marjorie Marlene Marsha Marshall Martha
    Martin Marvin Mary Maryam Mateo Mathew Matt Matthew Maureen Maurice Mauricio Max Maxine Maya Meera Megan Mei Melanie
    Melinda Melissa Melody Melvin Mercedes Meredith Mia Michael Micheal Michele Michelle Miguel Mike Mildred Milton Mindy
    Minnie Miranda Miriam Misty Mitchell Mohamed Mohammad Mohammed Molly Mona Monica Monique Morgan Moses Muhammad Myra Myrtle
    Nadia Nancy Naomi Natalia Natalie Natasha Nathan Nathaniel Neha Neil Nelson Nia Nicholas Nick Nicolas Nicole Nina Nisha Noah
    Noel Noor Nora Norma Norman Olga Olive Oliver Olivia Omar Opal Ora Oscar Osvaldo Owen Pablo Pam Pamela Patricia Patrick Patsy
    Patti Patty Paul Paula Pauline Pavel Pearl Pedro Peggy Penelope Perry Peter Phil Philip Phillip Phoebe Phyllis Pierre Preston
    Priscilla Priya Rachel Rafael Rahul Raj Ralph Ramon Ramona Randall Randy Raquel Raul Raymond Rebecca Reggie Regina
    Reginald Rene Renee Rhonda Ricardo Richard Rick Ricky Rita Robert Roberta Roberto Robyn Rochelle Roderick Rodney Rodrigo
    Roger Roland Ron Ronald Ronnie Roosevelt Rosa Rosalie Rosario Rosemarie Rosemary Rosie Roxanne Roy Ruben Ruby Rudy
    Rufus Russell Ruth Ryan Sabrina Sadie Sally Salvador Sam Samantha Samir Sammy Samuel Sandra Sandy Sanjay Santiago Sara
    Sarah Sasha Scott Sean Sebastian Selena Sergei Sergio Seth Shane Shannon Sharon Shaun Shauna Shawn Sheila Shelby Shelia
    Shelley Sherri Sherry Shirley Sidney Silvia Simon Simone Sofia Sonia Sonya Sophia Sophie Stacey Stacy Stanley Stella Stephanie
    Stephen Steve Steven Stuart Sunita Suresh Susan Susie Suzanne Sven Svetlana Sylvia Tabitha Talia Tamara Tami Tammy Tania Tanya
    Tara Tariq Tasha Taylor Ted Teresa Terrance Terrence Terri Terry Thelma Theodore Theresa Thomas Thuy Tiffany Tim Timothy
    Tina Toby Todd Tom Tommy Toni Tony Tonya Tracey Tracy Travis Trevor Tricia Trina Tunde Tyler Tyrone Uma Umar Ursula Valerie
    Vanessa Vera Vernon Veronica Vicki Vickie Vicky Victor Victoria Vijay Vikram Vincent Viola Violet Vivian Wade Wallace Walter
    Wanda Warren Wayne Wendell Wendy Wesley Whitney Wilbur Willard William Willie Wilma Winifred Xavier Xiomara Yasmin Yesenia
    Yolanda Youssef Yuki Yusuf Yvette Yvonne Zachary Zahra Zoe Will Mark Grace May Rose Joy Hope Faith Bill Rob Pat Sue Dawn
    August Frank Drew Chase Gene Ray Art Jack Dean Grant Dale Glen Robin Christy Ginger Sage Summer Autumn Destiny Trinity Star
    Austin Charlotte Jackson Madison Florence Savannah Virginia Carolina Dakota Brooklyn Sierra Jordan Israel Chance Mason Hunter
    Carter Cooper Parker Miles Guy Wei Li Jun Long Bo An Kai Noa Ari Mai Hoa Dee Angus Lily
    """,
)
FAMILY = _names(
    """
    Abbott Acosta Adair Adams Adeyemi Aguilar Aguirre Ahmed Alexander Ali Allen Allison Alvarado Alvarez Anderson Andrews Andrzejewski
    Aquino Armstrong Arnold Arroyo Atkins Austin Avila Ayala Aziz Bailey Baldwin Ballard Banks Barber Barker Barnes Barnett Barrera
    Barrett Barton Bates Bauer Bautista Beck Becker Begay Bell Benally Bennett Benson Berg Berry Bishop Black Blackwell Blair Blake
    Boateng Bowen Bowers Bowman Boyd Bradford Bradley Brady Brandt Brennan Brewer Briggs Brock Brooks Brown Bryan Bryant Buchanan
    Burgess Burke Burnett Burns Burton Bush Butler Byrd Cabrera Cain Calderon Caldwell Calhoun Callahan Camacho Cameron Campbell
    Campos Cannon Cardenas Carey Carlson Carpenter Carr Carrillo Carroll Carson Carter Casey Castaneda Castillo Castro Cervantes
    Chambers Chan Chandler Chang Chapman Chavez Chen Cheng Choi Christensen Christian Chung Clark Clarke Clayton Cohen Cole Coleman
    Collier Collins Combs Compton Conley Conner Conrad Contreras Conway Cook Cooper Cordova Cortez Costa Cox Craig Crawford Cross
    Cruz Cummings Cunningham Curry Curtis Dalton Dang Daniel Daniels Davenport Davidson Davis Dawson Day Dean Decker Delacruz Delgado
    Deleon Dennis Desai Diaz Dickson Dixon Dominguez Donovan Doyle Drake Dudley Duffy Duncan Dunn Duran Durham Dyer Eaton Edwards
    Elliott Ellis Ellison Erickson Escobar Espinoza Estes Estrada Evans Everett Eze Farah Farley Farmer Farrell Ferguson Fernandez
    Ferrell Fields Figueroa Finley Fischer Fisher Fitzgerald Fitzpatrick Fleming Fletcher Flores Flowers Floyd Flynn Foley Ford Foster
    Fowler Fox Francis Franco Frank Franklin Frazier Freeman French Friedman Frost Frye Fuentes Fuller Gaines Gallagher Gallegos
    Galloway Gamble Garcia Gardner Garner Garrett Garrison Garza Gates Gay George Gibbs Gibson Gilbert Giles Gill Gilmore Glass Glenn
    Glover Goldberg Goldstein Gomez Gonzales Gonzalez Good Goodman Goodwin Gordon Graham Grant Graves Gray Green Greene Greer Gregory
    Griffin Griffith Grimes Gross Guerra Guerrero Gupta Gutierrez Guzman Haddad Hahn Hale Haley Hall Hamilton Hammond Hampton Hancock
    Hansen Hanson Hardin Harding Hardy Harmon Harper Harrell Harrington Harris Harrison Hart Hartman Harvey Hassan Hawkins Hayden Hayes
    Haynes Heath Hebert Henderson Hendricks Henry Hensley Henson Herman Hernandez Herrera Herring Hess Hester Hickman Hicks Higgins Hill
    Hines Hinton Ho Hobbs Hodge Hodges Hoffman Hogan Holden Holland Holloway Holmes Holt Hood Hooper Hoover Hopkins Horn Horne Horton
    House Houston Howard Howe Howell Huang Hubbard Huber Hudson Huerta Huff Huffman Hughes Hull Humphrey Hunt Hunter Hurley Hurst
    Hutchinson Huynh Ibarra Ibrahim Ingram Ivanov Iyer Jackson Jacobs Jacobson James Jarvis Jefferson Jenkins Jennings Jensen Jimenez
    Johns Johnson Johnston Jones Jordan Joseph Joyce Juarez Jung Kane Kaufman Keith Keller Kelley Kelly Kemp Kennedy Kent Kerr Key Khalil
    Khan Kidd Kim King Kirby Kirk Klein Kline Knapp Knight Knox Koch Kowalski Kramer Krause Krueger Lamb Lambert Lane Lang Larsen
    Larson Lawrence Lawson Le Leach Lee Leon Leonard Lester Levine Levy Lewis Li Lin Lindqvist Lindsey Little Liu Livingston Lloyd Logan
    Long Lopez Love Lowe Lowery Lucas Lucero Luna Lynch Lynn Lyons Macdonald Macias Mack Maddox Mahoney Maldonado Malone Mann Manning
    Mansour Marks Marquez Marsh Marshall Martin Martinez Mason Massey Mathews Mathis Matthews Maxwell May Mayer Maynard Mayo Mays McBride
    McCall McCann McCarthy McClain McClure McConnell McCormick McCoy McCullough McDaniel McDonald McDowell McFarland McGee McGrath
    McGuire McIntosh McIntyre McKay McKee McKenzie McKinney McKnight McLaughlin McLean McMahon McMillan McNeil McPherson Meadows Medina
    Mejia Melendez Melton Mendez Mendoza Mensah Mercado Mercer Merritt Meyer Meyers Meza Michael Middleton Miles Miller Mills Miranda
    Mitchell Molina Monroe Montes Montgomery Montoya Moody Moon Mooney Moore Mora Morales Moran Moreno Morgan Morris Morrison Morrow Morse
    Morton Moses Mosley Moss Moyer Mueller Mullen Mullins Munoz Murillo Murphy Murray Myers Nair Nash Navarro Neal Nelson Newman Newton
    Nguyen Nichols Nicholson Nielsen Nixon Noble Nolan Norman Norris Norton Novak Nowak Nunez Obrien Ochoa Oconnor Odom Odonnell Okafor
    Oliver Olsen Olson Oneal Oneill Orozco Orr Ortega Ortiz Osborne Owen Owens Pace Pacheco Padilla Page Palmer Park Parker Parks Parrish
    Parsons Patel Patrick Patterson Patton Paul Payne Pearson Peck Pena Pennington Perez Perkins Perry Peters Petersen Peterson Petrov Pham
    Phelps Phillips Pierce Pineda Pitts Pollard Ponce Poole Pope Porter Potter Potts Powell Powers Pratt Preston Price Prince Proctor Pruitt
    Pugh Quinn Quintero Rahman Ramirez Ramos Ramsey Randall Randolph Rangel Rasmussen Ray Raymond Reddy Reed Reese Reeves Reid Reilly Reyes
    Reynolds Rhodes Rice Rich Richard Richards Richardson Richmond Riddle Riggs Riley Rios Ritter Rivas Rivera Rivers Roach Robbins
    Roberson Roberts Robertson Robinson Robles Rocha Rodgers Rodriguez Rogers Rojas Roman Romero Rosales Rosario Rose Rosenberg Ross Roth
    Rowe Rowland Rubio Ruiz Rush Russell Russo Ryan Salas Salazar Salinas Sampson Sanchez Sanders Sandoval Sanford Santana Santiago Santos
    Saunders Savage Sawyer Schaefer Schmidt Schmitt Schneider Schroeder Schultz Schwartz Scott Sellers Serrano Sexton Shaffer Shah Shannon
    Shapiro Sharma Sharp Shaw Shea Shelton Shepard Shepherd Sheppard Sherman Shevchenko Shields Short Silva Simmons Simon Simpson Sims
    Singh Singleton Skinner Sloan Small Smith Snow Snyder Solis Solomon Sosa Soto Sparks Spears Spence Spencer Stafford Stanley Stanton
    Stark Steele Stein Stephens Stephenson Stevens Stevenson Stewart Stokes Stone Stout Strickland Strong Stuart Suarez Sullivan Summers
    Sutton Swanson Sweeney Sweet Tanner Tate Taylor Terrell Terry Thomas Thompson Thornton Tillman Todd Torres Townsend Tran Travis Trevino
    Trujillo Tsosie Tucker Turner Tyler Underwood Valdez Valencia Valentine Valenzuela Vance Vang Vargas Vasquez Vaughan Vaughn Vazquez Vega
    Velasquez Velez Villa Villanueva Villarreal Vincent Vo Wade Wagner Walker Wall Wallace Waller Walls Walsh Walter Walters Walton Wang Ward
    Ware Warner Warren Washington Waters Watkins Watson Watts Weaver Webb Weber Webster Weeks Weiss Welch Wells West Wheeler Whitaker White
    Whitehead Whitfield Wiggins Wilcox Wiley Wilkerson Wilkins Wilkinson Williams Williamson Willis Wilson Winters Wise Wolf Wolfe Wong Wood
    Woodard Woods Woodward Wright Wu Wyatt Yang Yates Yazzie Yoder York Young Yu Zamora Zavala Zhang Zhao Zhou Zimmerman Zuniga
    """,
)
# Names that stand for something else where nothing around them says that somebody is meant.
AMBIGUOUS = _names(
    """
    Will Mark Grace May Rose Joy Hope Faith Bill Rob Pat Sue Dawn June April August Frank Drew Chase Gene Ray Art Jack Dean Grant
    Dale Glen Robin Christy Ginger Sage Summer Autumn Destiny Trinity Star Austin Charlotte Jackson Madison Florence Savannah
    Virginia Georgia Carolina Dakota Brooklyn Sierra Jordan Israel Chance Mason Hunter Carter Cooper Parker Miles Guy Wei Li Jun
    Long Bo An Kai Ari Mai Dee Angel Amber Crystal Daisy Don Ed Hazel Holly Ivy Iris Jan Jay Jean Jo Joe Kay Ken Kim Lance Lee Leo
    Lily Lynn Max Melody Mercedes Mia Misty Morgan Olive Opal Pearl Penny Peggy Perry Phoebe Rich Rick Ron Rosemary Ruby Sally Sandy
    Ted Tim Tom Tony Violet Viola Wade Wanda Wayne Whitney Jesus Ora Ida Ali Ben Sam Dan Dave Bob Roy Guadalupe Santiago Sofia Devon
    Shannon Shelby Casey Dana Stacy Terry Tracy Taylor Tyler Logan Blake Harper Riley Eli Eva Ella Vera Nia Mara Myrtle Lora Maxine
    Amir Raj Uma Angie Alexa Allegra Adair Ana Nora
    Banks Barber Bell Berry Bishop Black Brown Burns Bush Butler Cain Cannon Chambers Cook Cross Curry Day Decker Drake Farmer Fields
    Fisher Flowers Ford Foster Fox Francis Freeman French Frost Fuller Gamble Gates Gay George Glass Good Graves Gray Green Gross Hale Hall
    Hardy Hart Heath Hill Ho Hobbs Hodge Holland Hood Hoover Horn House Houston Hull Hunt Hurst Key King Knight Lamb Lane Lang Le Little Love
    Lowe Luna Lyons Mack Mann Manning Marks Marsh Marshall Mercer Mills Monroe Moody Moon Morrow Morse Moss Noble Page Palmer Park Parks Pace
    Peck Pierce Pitts Poole Pope Porter Potter Powers Pratt Price Prince Proctor Quinn Rice Richmond Riddle Rivers Roach Rush Savage Sawyer
    Sharp Shepherd Shields Short Silva Simon Skinner Small Snow Sparks Spears Spence Steele Stone Stout Strong Summers Sweet Tanner Tucker
    Turner Underwood Valentine Villa Vo Wall Waller Walls Ware Warner Washington Waters Weaver Webb Weeks Wells West Wheeler White Wiley Wise Wolf
    Wood Woods Wright York Young Yu Chan Chang Chen Chung Christian Daniel Kirk Kirby Kent Keith Jensen Johns Conner Conway Dalton
    Anderson Cameron Lin Liu Wu Leon Leach Reed Rhodes Roman Ross Sterling Costa Cruz Ellis Franklin Gill Grimes Church Blair Bowen Brock Brooks
    Nash Nice Major Mayo Mays Moses Newton Norman Norton Hancock Humphrey Jefferson Lincoln Livingston Valencia Santana Orr Owen Tate Vance Vega
    """,
)
