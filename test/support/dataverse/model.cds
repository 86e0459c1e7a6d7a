/** The part of Dataverse's Web API that the source reads: three tables, their metadata, and whose data it is. */
@path    : '/api/data/v9.2'
@requires: 'any'
service Dataverse {
  entity contacts {
    key contactid                  : UUID;
        fullname                   : String;
        emailaddress1              : String;
        annualincome               : Double;
        ![_parentcustomerid_value] : UUID;
        statecode                  : Integer;
        createdon                  : Timestamp;
        @odata.etag modifiedon     : Timestamp;
  }

  entity cre92_clientsessions {
    key cre92_clientsessionid    : UUID;
        cre92_name               : String;
        ![_cre92_contact_value]  : UUID;
        cre92_transcript         : LargeString;
        @odata.etag modifiedon   : Timestamp;
  }

  entity cre92_clientreports {
    key cre92_clientreportid     : UUID;
        cre92_name               : String;
        ![_cre92_session_value]  : UUID;
        cre92_body               : LargeString;
        @odata.etag modifiedon   : Timestamp;
  }

  entity EntityDefinitions {
    key LogicalName           : String;
        EntitySetName         : String;
        PrimaryIdAttribute    : String;
        ChangeTrackingEnabled : Boolean;
  }

  function WhoAmI() returns {
    OrganizationId : UUID;
  };
}
