CREATE TABLE Branches (BranchID INTEGER PRIMARY KEY, BranchName TEXT, Street TEXT, City TEXT, OpenedYear INTEGER);
CREATE TABLE Authors (AuthorID INTEGER PRIMARY KEY, AuthorName TEXT, Nationality TEXT, BirthYear INTEGER);
CREATE TABLE Books (
    BookID INTEGER PRIMARY KEY, Title TEXT, AuthorID INTEGER REFERENCES Authors(AuthorID), Genre TEXT,
    PublishedYear INTEGER, Pages INTEGER, Language TEXT);
CREATE TABLE Audiobooks (
    AudiobookID INTEGER PRIMARY KEY, Title TEXT, Narrator TEXT, AuthorID INTEGER REFERENCES Authors(AuthorID),
    Genre TEXT, Minutes INTEGER, Language TEXT);
CREATE TABLE Copies (
    CopyID INTEGER PRIMARY KEY, BookID INTEGER REFERENCES Books(BookID), BranchID INTEGER REFERENCES Branches(BranchID),
    Condition TEXT);
CREATE TABLE Members (
    MemberID INTEGER PRIMARY KEY, Name TEXT, Email TEXT, City TEXT, JoinDate DATE, MembershipType TEXT);
CREATE TABLE Loans (
    LoanID INTEGER PRIMARY KEY, CopyID INTEGER REFERENCES Copies(CopyID), MemberID INTEGER REFERENCES Members(MemberID),
    LoanDate DATE, DueDate DATE, ReturnDate DATE);
CREATE TABLE Fines (FineID INTEGER PRIMARY KEY, LoanID INTEGER REFERENCES Loans(LoanID), Amount REAL, PaidOn DATE);
CREATE TABLE Staff (
    StaffID INTEGER PRIMARY KEY, Name TEXT, Role TEXT, BranchID INTEGER REFERENCES Branches(BranchID), Salary INTEGER);
